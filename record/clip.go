package record

import (
	"context"
	"errors"
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

	source *recording            // of the same stream, with what the stream no longer has; nil if there is none
	has    time.Duration         // DTS up to which all is recorded
	last   map[int]time.Duration // DTS of the last packet of each track
}

// Clip begins to write a file with what was and will be around now, and returns its path. The file is there under that name when
// it is complete; then the observers of OnRecordMP4 are told. How far back a stream can be read is its KeepFor option; what is further back
// is taken from the files of its recording, if it is being recorded as MP4, up to an hour. It returns what Start does, and an error if there
// is a file of that name, or for more than an hour.
func (r *Recorder) Clip(_ context.Context, q ClipRequest) (string, error) {
	st, ok := r.media.Stream(q.Stream)
	if !ok {
		return "", media.ErrStreamNotFound
	}
	if q.Back > longestBack {
		return "", errLongBack
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
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // recordings are to be served
		return "", err
	}
	for other := range r.clips {
		if other.clip.path == path {
			return "", &os.PathError{Op: "create", Path: path, Err: os.ErrExist}
		}
	}
	g := r.newRecording(st, MP4, form, p, 0)
	now := time.Since(st.Epoch())
	g.clip = &excerpt{
		back: max(q.Back, 0), until: now + max(q.Forward, 0), path: path,
		source: r.recorded(st), has: now - max(q.Back, 0), last: map[int]time.Duration{},
	}
	r.clips[g] = struct{}{}
	r.running.Go(g.run)
	return path, nil
}

var errLongBack = errors.New("record: a clip begins an hour back at most")

// recorded returns the recording of a stream whose files are MP4; nil if there is none. r.mu is held.
func (r *Recorder) recorded(st *media.Stream) *recording {
	for _, kind := range []Kind{MP4, FMP4} {
		if g := r.recordings[id{st.Key(), kind}]; g != nil && g.stream == st {
			return g
		}
	}
	return nil
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

// recordClip records packets, and what is missing in front of them, and reports whether the clip is complete.
func (g *recording) recordClip(packets []*media.Packet) (over bool) {
	if len(packets) > 0 {
		g.recall(packets[0].DTS)
	}
	for _, p := range packets {
		if p.DTS >= g.clip.until || g.clip.torn {
			return true
		}
		if g.fresh(p) {
			g.packet(p)
		}
	}
	return false
}
