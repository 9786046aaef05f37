package record

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/media"
)

// filesOf returns what the playlist of an hour is called in a recording by HLS, and what its segments end with.
func filesOf(k Kind) (playlist, suffix string) {
	if k == HLSFMP4 {
		return "vod.fmp4.m3u8", ".mp4"
	}
	return "vod.m3u8", ".ts"
}

// scanHours finishes the playlists that a crash has left below a directory: <app>/<name …>/<day>/<hour>, for a virtual host that is not the
// default one below its name. Segments are not looked at, of which there may be millions: only those beside a playlist without an end.
func (f *finisher) scanHours(h *hlsRoot) {
	top := h.root
	if h.vhost != hook.DefaultVHost {
		top = filepath.Join(h.root, h.vhost)
	}
	_ = filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		switch {
		case f.ctx.Err() != nil:
			return fs.SkipAll
		case err != nil || !e.IsDir() || name == top:
			return nil // what cannot be read is left alone
		case !docroot.Shown(e.Name()), filepath.Dir(name) == h.root && f.isVHost(h, e.Name()):
			return fs.SkipDir
		case !isDay(filepath.Base(filepath.Dir(name))):
			return nil
		}
		if isHour(e.Name()) {
			f.leftHour(h, top, name)
		}
		return fs.SkipDir
	})
}

// isVHost reports whether a directory below a root is that of a virtual host, which is looked through as such.
func (f *finisher) isVHost(h *hlsRoot, name string) bool {
	f.recorder.mu.Lock()
	defer f.recorder.mu.Unlock()
	for _, line := range f.recorder.hlsRoots {
		if line == (hlsRoot{h.root, name}).String() {
			return true
		}
	}
	return false
}

// leftHour takes over the playlists of an hour that a crash has left without an end.
func (f *finisher) leftHour(h *hlsRoot, top, dir string) {
	for _, kind := range []Kind{HLS, HLSFMP4} {
		playlist, _ := filesOf(kind)
		for n := range maxForeign + 1 {
			path := filepath.Join(dir, otherName(playlist, n))
			if _, err := os.Lstat(path); err != nil {
				break
			}
			if lacksEnd(path) && !f.takeHour(h, top, dir, kind, path) {
				return
			}
		}
	}
}

// takeHour takes over a playlist of an hour, and reports whether that is one of a stream.
func (f *finisher) takeHour(h *hlsRoot, top, dir string, kind Kind, path string) bool {
	rel, err := filepath.Rel(top, filepath.Dir(filepath.Dir(dir)))
	if err != nil {
		return false
	}
	app, name, ok := strings.Cut(filepath.ToSlash(rel), "/")
	if !ok {
		return false
	}
	j := &job{path: path, keep: io.NopCloser(nil)}
	j.kind, j.stream = kind, media.StreamKey{VHost: h.vhost, App: app, Name: name}.Canonical()
	if j.place, err = placeOf(h.root, "", j.stream); err == nil {
		f.add(j)
	}
	return true
}

// lacksEnd reports whether a playlist does not end.
func lacksEnd(path string) bool {
	info, err := os.Lstat(path) // before it is opened: to open a pipe would wait for who writes to it; and what a link names is none of ours
	if err != nil || !info.Mode().IsRegular() {
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	tail := make([]byte, len(endOfList))
	n, err := f.ReadAt(tail, max(info.Size()-int64(len(tail)), 0))
	return (err == nil || errors.Is(err, io.EOF)) && string(tail[:n]) != endOfList
}

// finishHour finishes the segments of an hour, and ends its playlist. One that somebody writes is left alone: who opens it does the same.
func (f *finisher) finishHour(j *job) error {
	file, err := lockVOD(j.path, false)
	if errors.Is(err, ErrInUse) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := readList(file)
	if err != nil || list.ended || list.foreign {
		return errors.Join(err, release(file))
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return errors.Join(err, release(file))
	}
	_, suffix := filesOf(j.kind)
	v, err := newVOD(file, suffix, true)
	if err == nil {
		playlist, _ := filesOf(j.kind)
		v.other = filepath.Base(j.path) != playlist
		err = f.recorder.mend(v, &owner{j.stream, j.place})
	}
	if err != nil {
		return errors.Join(err, release(file))
	}
	f.recorder.log.Info("a recording by HLS that was not closed is finished", "stream", j.stream.String(), "path", j.path, "segments", v.count)
	if err := v.end(); err != nil {
		return err
	}
	if v.count == 0 {
		removeEmpty(v.dir, j.place.root)
	}
	return nil
}
