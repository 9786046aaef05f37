package record

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// maxFiles is how many files are played as one.
const maxFiles = 1000

// Open implements [media.Opener]: the stream live/test/2026-11-27/x.mp4 of the app of recordings is the file of that path below it, for
// each player on its own. A directory, or several paths with semicolons between them, is played as one. New has registered it.
func (r *Recorder) Open(_ context.Context, q *media.OpenRequest) (media.Source, error) {
	if q.Stream.App != r.cfg.App {
		return nil, hook.ErrNotHandled
	}
	root := filepath.Join(r.cfg.Dir, r.cfg.App)
	if q.Stream.VHost != hook.DefaultVHost {
		root = filepath.Join(root, q.Stream.VHost)
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
	x, err := newSource(&r.shelf, paths)
	if err != nil {
		r.log.Warn("a recording cannot be played", "stream", q.Stream.String(), "err", err)
		return nil, notFound(err)
	}
	x.repeat = r.cfg.Repeat
	return x, nil
}

// notFound is what a player is told of an error: nothing of paths.
func notFound(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return media.ErrStreamNotFound
	}
	return errUnplayable
}

var errUnplayable = errors.New("record: the file cannot be played")

// isVisible reports whether a path with slashes stays below where it begins, and names nothing hidden.
func isVisible(rel string) bool {
	for part := range strings.SplitSeq(rel, "/") {
		if part == "" || part[0] == '.' || strings.ContainsAny(part, "\\\x00") {
			return false
		}
	}
	return filepath.IsLocal(filepath.FromSlash(rel))
}

// expand returns paths with the MP4 files of directories in their place.
func expand(paths []string) (files []string, err error) {
	for _, path := range paths {
		info, err := os.Stat(path)
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
