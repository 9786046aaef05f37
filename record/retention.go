package record

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// How often it is looked for files that are too old: ten times in the age, within these.
const (
	sweepSoonest = time.Minute
	sweepLatest  = time.Hour
)

// kept is a file that is kept so far.
type kept struct {
	path    string
	size    int64
	written time.Time
}

// sweepEvery returns how often the library is looked through; 0 if all is kept.
func (c *Config) sweepEvery() time.Duration {
	switch {
	case c.MaxAge > 0:
		return min(max(c.MaxAge/10, sweepSoonest), sweepLatest)
	case c.MaxBytes > 0:
		return sweepLatest
	}
	return 0
}

// sweepLater has the library looked through again in a while. f.mu is held.
func (f *finisher) sweepLater() {
	every := f.recorder.cfg.sweepEvery()
	if every == 0 || f.closed {
		return
	}
	if f.sweeper != nil {
		f.sweeper.Stop()
	}
	f.sweeper = time.AfterFunc(every, f.sweepNow)
}

// sweepNow has the library looked through, if not all is kept.
func (f *finisher) sweepNow() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.recorder.cfg.sweepEvery() == 0 || f.closed {
		return
	}
	f.sweeps = true
	f.start()
}

// sweep deletes what is too old, and the oldest while there is too much. What is being played stays, and what is being written is not
// among it: its name is another.
func (f *finisher) sweep(now time.Time) {
	c := &f.recorder.cfg
	list, total := f.library(filepath.Join(c.Dir, c.App))
	slices.SortFunc(list, func(a, b kept) int { return a.written.Compare(b.written) })
	for _, k := range list {
		old := c.MaxAge > 0 && now.Sub(k.written) > c.MaxAge
		if !old && (c.MaxBytes <= 0 || total <= c.MaxBytes) {
			break // those that follow are younger
		}
		if f.ctx.Err() != nil {
			return
		}
		if f.recorder.shelf.has(k.path) || f.recorder.storer.waits(k.path) {
			continue
		}
		if err := os.Remove(k.path); err != nil {
			f.recorder.log.Warn("an old recording cannot be deleted", "path", k.path, "err", err)
			continue
		}
		total -= k.size
		f.recorder.log.Info("an old recording was deleted", "path", k.path, "bytes", k.size)
		removeEmpty(filepath.Dir(k.path), c.Dir)
	}
}

// library returns all finished files below a directory, and how large they are together.
func (f *finisher) library(top string) (list []kept, total int64) {
	_ = filepath.WalkDir(top, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is left alone
		}
		if f.ctx.Err() != nil {
			return fs.SkipAll
		}
		if !isRecorded(e) || !isDay(filepath.Base(filepath.Dir(name))) {
			return nil
		}
		if info, err := e.Info(); err == nil {
			list = append(list, kept{name, info.Size(), info.ModTime()})
			total += info.Size()
		}
		return nil
	})
	return list, total
}

// removeEmpty removes a directory and those above it that are empty, below a root.
func removeEmpty(dir, root string) {
	for dir != root && len(dir) > len(root) && os.Remove(dir) == nil {
		dir = filepath.Dir(dir)
	}
}
