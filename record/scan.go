package record

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/mp4"
)

// scan finishes what a crash has left below a directory.
func (f *finisher) scan(root string) {
	top := filepath.Join(root, f.recorder.cfg.App)
	_ = filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if f.ctx.Err() != nil {
			return fs.SkipAll
		}
		if err == nil && e.Type().IsRegular() { // what cannot be read is left alone
			f.left(root, name)
		}
		return nil
	})
}

// left takes over a file that a crash has left, if it is one.
func (f *finisher) left(root, name string) {
	dir, base := filepath.Split(name)
	if !strings.HasPrefix(base, ".") || f.recorder.holds(name) {
		return
	}
	if strings.HasSuffix(base, storeSuffix) {
		f.recorder.storer.left(root, name)
		return
	}
	if whole, ok := strings.CutSuffix(base, newSuffix); ok && isRecording(whole) {
		// Nothing was written to it. A new one is about to be locked.
		if info, err := os.Stat(name); err == nil && time.Since(info.ModTime()) > time.Minute {
			_ = os.Remove(name)
		}
		return
	}
	if whole, ok := strings.CutSuffix(base, partSuffix); ok && isRecording(whole) {
		if keep, ok := lockLeft(filepath.Join(dir, whole)); ok {
			_ = os.Remove(name) // it is made again
			_ = keep.Close()
		}
		return
	}
	if !isRecording(base) {
		return
	}
	keep, ok := lockLeft(name)
	if !ok {
		return
	}
	j := &job{path: name, final: filepath.Join(dir, base[1:]), keep: keep}
	if !j.recall(root, f.recorder.cfg.App) {
		_ = keep.Close()
		return
	}
	f.recorder.hold(name)
	f.recorder.log.Info("a recording that was not closed is being finished", "path", name)
	f.add(j)
}

// isRecording reports whether a hidden name is that of a recording.
func isRecording(base string) bool {
	switch filepath.Ext(base) {
	case ".mp4", ".ts":
		return len(base) > len(".mp4")
	}
	return false
}

// recall finds out what a file is of: an MP4 says it, of others it is where they lie.
func (j *job) recall(root, app string) bool {
	if filepath.Ext(j.path) == ".ts" {
		return j.recallPath(root, app, TS)
	}
	src, err := os.Open(j.path)
	if err != nil {
		return false
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return false
	}
	x, err := mp4.Open(src, info.Size())
	if err != nil {
		// Not even the beginning is whole, unless it is of somebody else: then it has not such a name in such a directory.
		return j.recallPath(root, app, MP4)
	}
	n, ok := parseNote(x.UUID([16]byte([]byte(noteID))))
	if !ok {
		return false // not of ours
	}
	j.note = n
	j.place, err = placeOf(root, app, n.stream)
	return err == nil
}

// recallPath takes for what it is of what the path says: <root>/<app>/<app of the stream>/<name …>/<day>/<file>.
func (j *job) recallPath(root, app string, kind Kind) bool {
	base := filepath.Base(j.final)
	if len(base) < len(nameLayout) || !isDay(filepath.Base(filepath.Dir(j.path))) {
		return false
	}
	at, err := time.ParseInLocation(nameLayout, base[:len(nameLayout)], time.Local)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(filepath.Join(root, app), filepath.Dir(filepath.Dir(j.path)))
	if err != nil {
		return false
	}
	first, rest, ok := strings.Cut(filepath.ToSlash(rel), "/")
	if !ok {
		return false
	}
	j.kind, j.start = kind, at
	j.stream.App, j.stream.Name = first, rest
	j.stream = j.stream.Canonical()
	j.place, err = placeOf(root, app, j.stream)
	return err == nil
}
