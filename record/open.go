package record

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/media"
)

// maxFiles is how many files are played as one.
const maxFiles = 1000

// Open implements [media.Opener]: the stream live/test/2026-11-27/x.mp4 of the app of recordings is the file of that path below it, for
// each player on its own. A directory, or several paths with semicolons between them, is played as one. With a query from=…&to=… the
// stream live/test is what was recorded of it in that time, over all its files: from the key frame at or before its beginning, and without
// the gaps. Times are seconds since 1970, RFC 3339, or local ones as in 2026-11-27T12:00:05; without to it is until now. With exact=1 in the
// query a seek, and from, lead to the very time and not to a key frame: the pictures from the key frame on, which a decoder needs, go by in a
// hundredth of their time. New has registered it.
func (r *Recorder) Open(ctx context.Context, q *media.OpenRequest) (media.Source, error) {
	if q.Stream.App != r.cfg.App {
		return nil, hook.ErrNotHandled
	}
	if from := q.Session.Query().Get("from"); from != "" {
		return r.openTime(ctx, q, from, q.Session.Query().Get("to"))
	}
	root, ok := r.library.top(q.Stream.VHost)
	if !ok {
		return nil, media.ErrStreamNotFound
	}
	var paths []string
	for rel := range strings.SplitSeq(q.Stream.Name, ";") {
		if !isVisible(rel) {
			return nil, media.ErrStreamNotFound
		}
		paths = append(paths, filepath.Join(root, filepath.FromSlash(rel)))
	}
	paths, err := expand(paths)
	if err != nil {
		return nil, notFound(err)
	}
	x, err := newSource(&r.shelf, paths, r.passOver)
	if err != nil {
		r.log.Warn("a recording cannot be played", "stream", q.Stream.String(), "err", err)
		return nil, notFound(err)
	}
	x.repeat, x.exact = r.cfg.Repeat, wantsExact(q)
	return x, nil
}

// wantsExact reports whether a player wants to be where it seeks, and not at the key frame before.
func wantsExact(q *media.OpenRequest) bool { return q.Session.Query().Get("exact") == "1" }

// openTime opens what was recorded of a stream from one time to another.
func (r *Recorder) openTime(ctx context.Context, q *media.OpenRequest, from, to string) (media.Source, error) {
	begin, end, err := parseTimes(from, to)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", media.ErrStreamNotFound, err)
	}
	app, name, ok := strings.Cut(q.Stream.Name, "/")
	if !ok || !isVisible(q.Stream.Name) {
		return nil, media.ErrStreamNotFound
	}
	spans, err := r.Library().Timeline(ctx, media.StreamKey{VHost: q.Stream.VHost, App: app, Name: name}, begin, end)
	if err != nil {
		return nil, err
	}
	x := &source{shelf: &r.shelf}
	var first Span // that is played
	for _, s := range spans {
		last := time.Duration(-1)
		if end.Before(s.End()) {
			last = end.Sub(s.Start)
		}
		if err := x.append(s.Path, begin.Sub(s.Start), last); err != nil {
			r.passOver(s.Path, err)
		} else if len(x.files) == 1 {
			first = s
		}
	}
	if len(x.files) == 0 {
		return nil, media.ErrStreamNotFound
	}
	if err := x.enter(0); err != nil {
		return nil, err
	}
	if x.exact = wantsExact(q); x.exact {
		_, err = x.Seek(ctx, begin.Sub(first.Start)-x.files[0].from)
	}
	return x, err
}

// passOver says that a file is not played with the others.
func (r *Recorder) passOver(path string, err error) {
	r.log.Warn("a file is passed over that cannot be played", "path", path, "err", err)
}

// notFound is what a player is told of an error: nothing of paths.
func notFound(err error) error {
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.ENOTDIR) {
		return media.ErrStreamNotFound
	}
	return errUnplayable
}

var errUnplayable error = unplayable{}

// unplayable is the error of a file that is no film. Who asks for it is told that.
type unplayable struct{}

func (unplayable) Error() string { return "record: the file cannot be played" }

// PeerText is what package hook asks for.
func (unplayable) PeerText() string { return "the file cannot be played" }

// isVisible reports whether a path with slashes stays below where it begins, and names nothing hidden.
func isVisible(rel string) bool {
	for part := range strings.SplitSeq(rel, "/") {
		if !docroot.Shown(part) {
			return false
		}
	}
	return filepath.IsLocal(filepath.FromSlash(rel))
}

// expand returns paths with the MP4 files of directories in their place.
func expand(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if errors.Is(err, os.ErrNotExist) && isRecordingName(path) { // it may still be written
			files = append(files, path)
			continue
		}
		if err != nil {
			return nil, err
		}
		list := []string{path}
		if info.IsDir() {
			found, err := names(path, isFinished)
			if err != nil {
				return nil, err
			}
			list = list[:0]
			for _, name := range found {
				list = append(list, filepath.Join(path, name))
			}
		}
		if files = append(files, list...); len(files) > maxFiles {
			return nil, errTooMany
		}
	}
	if len(files) == 0 {
		return nil, os.ErrNotExist
	}
	return files, nil
}

var errTooMany = errors.New("record: over 1,000 files to play as one")
