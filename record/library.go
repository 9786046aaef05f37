package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/media"
)

// Query names recordings of a stream.
type Query struct {
	Stream media.StreamKey
	// Period is a day, as in "2026-11-26", or what the names of several days begin with, such as "2026-11"; all if
	// empty.
	Period string
	// Dir is where they are, instead of the configured directory.
	Dir string
}

// Listing is what a Query finds.
type Listing struct {
	// Dir is the absolute directory of Names: that of the day if the Query names one.
	Dir string
	// Names are those of the day's finished files, or of the days.
	Names []string
}

// Library is what was recorded. Its methods may be called from any goroutine.
//
// It is an [http.Handler], too: see [Library.ServeHTTP].
type Library struct {
	dir, app  string
	shelf     *shelf
	downloads downloads
	lists     chan struct{} // has an entry for each playlist or list that is being made
	log       *slog.Logger
}

// Library returns the library of what the recorder writes.
func (r *Recorder) Library() *Library { return r.library }

// top is the directory below which the recordings of a virtual host are; false for what is none.
func (l *Library) top(vhost string) (dir string, ok bool) {
	dir = filepath.Join(l.dir, l.app)
	if vhost == "" || vhost == hook.DefaultVHost {
		return dir, true
	}
	return filepath.Join(dir, vhost), docroot.Shown(vhost)
}

func (l *Library) place(q Query) (place, error) {
	root := l.dir
	if q.Dir != "" {
		root = q.Dir
	}
	return placeOf(root, l.app, q.Stream)
}

// List lists the MP4 files of a day, or the days, oldest first. Files that are still being written are not listed. It is no error if
// there are none.
func (l *Library) List(_ context.Context, q Query) (Listing, error) {
	p, err := l.place(q)
	if err != nil {
		return Listing{}, err
	}
	if isDay(q.Period) {
		names, err := names(p.day(q.Period), isFinished)
		return Listing{Dir: p.day(q.Period), Names: names}, err
	}
	days, err := names(p.dir(), func(e os.DirEntry) bool {
		return e.IsDir() && isDay(e.Name()) && strings.HasPrefix(e.Name(), q.Period)
	})
	return Listing{Dir: p.dir(), Names: days}, err
}

// isFinished reports whether an entry is an MP4 file that was closed.
func isFinished(e os.DirEntry) bool { return isRecorded(e) && filepath.Ext(e.Name()) == ".mp4" }

// isRecorded reports whether an entry is a recording that was closed.
func isRecorded(e os.DirEntry) bool {
	ext := filepath.Ext(e.Name())
	return e.Type().IsRegular() && e.Name()[0] != '.' && (ext == ".mp4" || ext == ".ts")
}

// names returns the names of the entries that match, in order.
func names(dir string, match func(os.DirEntry) bool) (list []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if match(e) {
			list = append(list, e.Name())
		}
	}
	slices.Sort(list)
	return list, err
}

// Delete deletes the finished files that a query finds, or the one of that name in it, and the directories that are empty then. It
// returns the directory, or the path of the one file, and how many files there were.
func (l *Library) Delete(ctx context.Context, q Query, name string) (path string, deleted int, err error) {
	p, err := l.place(q)
	if err != nil {
		return "", 0, err
	}
	if name != "" {
		return l.deleteOne(p, q, name)
	}
	days := []string{q.Period}
	path = p.day(q.Period)
	if !isDay(q.Period) {
		path = p.dir()
		found, err := l.List(ctx, q)
		if err != nil {
			return path, 0, err
		}
		days = found.Names
	}
	var errs error
	for _, day := range days {
		n, err := deleteDay(p.day(day))
		deleted += n
		errs = errors.Join(errs, err)
	}
	_ = os.Remove(p.dir()) // if nothing is left
	return path, deleted, errs
}

func (l *Library) deleteOne(p place, q Query, name string) (path string, deleted int, err error) {
	dir := p.dir()
	if isDay(q.Period) {
		dir = p.day(q.Period)
	}
	path = filepath.Join(dir, name)
	if name[0] == '.' || strings.ContainsAny(name, "/\\\x00") {
		return path, 0, fmt.Errorf("%w: %q", ErrBadPath, name)
	}
	switch err = os.Remove(path); {
	case errors.Is(err, os.ErrNotExist):
		return path, 0, nil
	case err != nil:
		return path, 0, err
	}
	_ = os.Remove(dir) // if nothing is left
	return path, 1, nil
}

// deleteDay deletes the finished files of a day.
func deleteDay(dir string) (n int, errs error) {
	list, err := names(dir, isRecorded)
	if err != nil {
		return 0, err
	}
	for _, name := range list {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			errs = errors.Join(errs, err)
			continue
		}
		n++
	}
	_ = os.Remove(dir) // if nothing is left
	return n, errs
}
