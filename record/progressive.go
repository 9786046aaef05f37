package record

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/internal/mp4"
)

// partSuffix ends the name of a file that is being finished.
const partSuffix = ".part"

var errEmpty = errors.New("record: nothing was recorded")

// progressive makes an ordinary MP4 of a fragmented one, which is there until the other is whole: so a crash changes nothing, and to do it
// twice neither.
func (f *finisher) progressive(j *job) error {
	src, err := os.Open(j.path)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	part := j.path + partSuffix
	if err := f.rewrite(src, info.Size(), part); err != nil {
		_ = os.Remove(part)
		if errors.Is(err, mp4.ErrEmpty) {
			return errEmpty
		}
		return err
	}
	if err := os.Rename(part, j.final); err != nil {
		return err
	}
	return os.Remove(j.path)
}

// rename finds another name for a file whose name is taken, or removes it if a crash came between its last two steps: then it has no
// path any more.
func (f *finisher) rename(j *job) error {
	for n := j.number; ; n++ {
		info, err := os.Lstat(j.final)
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if s, ok := f.recorder.library.spanOf(j.final, time.Time{}); ok && !s.Growing && s.Start.UnixMicro() == j.start.UnixMicro() && info.Mode().IsRegular() {
			err := os.Remove(j.path)
			j.path = ""
			return err
		}
		if n-j.number > maxNumber {
			return &os.PathError{Op: "rename", Path: j.final, Err: os.ErrExist}
		}
		dir, name := j.place.file(j.start, n+1, filepath.Ext(j.final))
		j.final = filepath.Join(dir, name)
	}
}

// rewrite writes the ordinary file, through to the disk.
func (f *finisher) rewrite(src io.ReaderAt, size int64, part string) error {
	_ = os.Remove(part) // of a crash; who has the recording has this
	dst, err := os.OpenFile(part, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	paced := &pacedReader{from: src, ctx: f.ctx, rate: f.recorder.cfg.FinishRate, begun: time.Now()}
	err = mp4.Finish(f.ctx, paced, size, dst, mp4.FinishOptions{})
	if err == nil {
		err = dst.Sync()
	}
	return errors.Join(err, dst.Close())
}

// syncDir writes through that a directory has changed. Some systems cannot.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// pacedReader reads no more bytes a second than it is to.
type pacedReader struct {
	from  io.ReaderAt
	ctx   context.Context
	rate  int64 // none if it is not positive
	begun time.Time
	read  int64
}

// ReadAt implements [io.ReaderAt].
func (r *pacedReader) ReadAt(b []byte, at int64) (int, error) {
	n, err := r.from.ReadAt(b, at)
	r.read += int64(n)
	if r.rate <= 0 {
		return n, err
	}
	due := time.Duration(float64(r.read) / float64(r.rate) * float64(time.Second))
	if ahead := due - time.Since(r.begun); ahead > 10*time.Millisecond {
		t := time.NewTimer(ahead)
		defer t.Stop()
		select {
		case <-t.C:
		case <-r.ctx.Done():
			return n, context.Cause(r.ctx)
		}
	}
	return n, err
}
