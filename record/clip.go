package record

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/media"
)

// excerpt is what a recording that is one file of a certain time has besides.
type excerpt struct {
	back  time.Duration // how far before the newest packet it begins
	until time.Duration // DTS of the stream where it ends
	path  string
	torn  bool // the stream has a gap, or has changed: the file ends there
}

// Clip begins to write a file with what was and will be around now, and returns its path. The file is there under that name when
// it is complete; then the observers of OnRecordMP4 are told. How far back a stream can be read is its KeepFor option. It returns what
// Start does, and an error if there is a file of that name.
func (r *Recorder) Clip(_ context.Context, q ClipRequest) (string, error) {
	st, ok := r.media.Stream(q.Stream)
	if !ok {
		return "", media.ErrStreamNotFound
	}
	form, _ := containerOf(MP4)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return "", ErrClosed
	}
	p, err := placeOf(r.wish(st, Request{}).dir, r.cfg.App, st.Key())
	if err != nil {
		return "", err
	}
	path, err := clipPath(p, q.Path)
	if err != nil {
		return "", err
	}
	if _, err := os.Lstat(path); err == nil {
		return "", &os.PathError{Op: "create", Path: path, Err: os.ErrExist}
	}
	for other := range r.clips {
		if other.clip.path == path {
			return "", &os.PathError{Op: "create", Path: path, Err: os.ErrExist}
		}
	}
	g := r.newRecording(st, MP4, form, p, 0)
	g.clip = &excerpt{back: max(q.Back, 0), until: time.Since(st.Epoch()) + max(q.Forward, 0), path: path}
	r.clips[g] = struct{}{}
	r.running.Go(g.run)
	return path, nil
}

// clipPath returns where a clip goes: an absolute path as it is, another below the directory of the stream.
func clipPath(p place, path string) (string, error) {
	if filepath.IsAbs(path) {
		return filepath.Clean(path), nil
	}
	if !isVisible(filepath.ToSlash(path)) {
		return "", fmt.Errorf("%w: %q", ErrBadPath, path)
	}
	return filepath.Join(p.dir(), path), nil
}
