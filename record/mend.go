package record

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

// largestInit bounds an initialization segment, in bytes.
const largestInit = 1 << 20

// owner is whose recording by HLS something is of.
type owner struct {
	stream media.StreamKey
	place  place
}

// left is a segment that a crash has left.
type left struct {
	entry
	path string
}

// mend finishes the segments that a crash has left beside a playlist: each is cut to what is whole of it, gets its name, is entered and told.
// Doing it again, also after a crash in between, changes nothing.
func (r *Recorder) mend(v *vod, o *owner) error {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return err
	}
	var list []left
	listed, out := v.list.names(), []string(nil)
	for _, e := range entries {
		name := e.Name()
		if base, ok := strings.CutSuffix(name, v.suffix); ok && isSegmentName(base) && !listed[name] && e.Type().IsRegular() {
			out = append(out, name)
		}
		if whole, ok := strings.CutSuffix(name, newSuffix); ok && filepath.Ext(whole) == v.suffix {
			if _, ok := parseHidden(whole); ok {
				_ = os.Remove(filepath.Join(v.dir, name)) // nothing was written to it
			}
			continue
		}
		if x, ok := parseHidden(name); ok && filepath.Ext(name) == v.suffix && e.Type().IsRegular() {
			list = append(list, left{x, filepath.Join(v.dir, name)})
		}
	}
	r.tellMissing(v, list, out)
	slices.SortFunc(list, func(a, b left) int {
		return cmp.Or(a.begins.Compare(b.begins), cmp.Compare(a.name, b.name))
	})
	for i := range list {
		if err := r.mendSegment(v, o, &list[i]); err != nil {
			return fmt.Errorf("%s: %w", list[i].path, err)
		}
	}
	return nil
}

// tellMissing says how many whole segments are in no playlist: those beside one, but for what is about to be entered.
func (r *Recorder) tellMissing(v *vod, entering []left, out []string) {
	out = slices.DeleteFunc(out, func(name string) bool {
		return slices.ContainsFunc(entering, func(x left) bool { return x.name == name })
	})
	if len(out) > 0 && !v.other {
		r.log.Warn("segments are not in the playlist of their hour, which somebody has shortened or removed; they are kept, but not played with it",
			"path", v.file.Name(), "segments", len(out), "first", slices.Min(out), "last", slices.Max(out))
	}
}

// mendSegment finishes one segment.
func (r *Recorder) mendSegment(v *vod, o *owner, x *left) error {
	keep, ok := lockLeft(x.path)
	if !ok {
		v.shared = true
		return nil
	}
	defer keep.Close()
	if v.list.has(x.name) { // it was all but finished
		return v.unhide(x)
	}
	size, lasts, err := v.measure(x)
	switch {
	case errors.Is(err, errUnreadable):
		return r.setAside(x, err)
	case err != nil:
		return err
	case size == 0:
		r.log.Info("a segment in which nothing is whole is removed", "path", x.path)
		if x.init != "" {
			_ = os.Remove(filepath.Join(v.dir, x.init))
		}
		return os.Remove(x.path)
	}
	if err := cutTo(x.path, size); err != nil {
		return err
	}
	x.lasts = min(max(lasts, time.Millisecond), longestSegment+roundedSegment)
	x.broken = v.count > 0 && x.broken
	if err := v.publish(x.path, &x.entry); err != nil {
		return err
	}
	if x.init != "" {
		v.list.init = x.init
	}
	r.log.Info("a segment that was not closed is finished", "stream", o.stream.String(), "path", filepath.Join(v.dir, x.name),
		"length", x.lasts.Round(time.Millisecond), "bytes", size)
	r.tellSegment(o, "", v.dir, &x.entry)
	return nil
}

// asideSuffix ends the name of a segment that cannot be finished.
const asideSuffix = ".damaged"

// setAside gives a segment that cannot be finished a name that can be seen: it may be all that there is of its time.
func (r *Recorder) setAside(x *left, why error) error {
	name := filepath.Join(filepath.Dir(x.path), x.name+asideSuffix)
	for n := 1; ; n++ {
		if _, err := os.Lstat(name); err != nil || n == maxNumber {
			break
		}
		name = filepath.Join(filepath.Dir(x.path), x.name+"."+strconv.Itoa(n)+asideSuffix)
	}
	if err := os.Rename(x.path, name); err != nil {
		return err
	}
	r.log.Error("a segment cannot be finished, and is kept beside the playlist", "path", name, "err", why)
	return nil
}

// unhide takes away the hidden name of a segment that is in the playlist.
func (v *vod) unhide(x *left) error {
	final := filepath.Join(v.dir, x.name)
	if _, err := os.Lstat(final); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(x.path, final)
	}
	return os.Remove(x.path)
}

var errUnreadable = errors.New("record: the segment, or what a player needs before it, is damaged")

// measure returns how much of a segment is whole, and how long that lasts. It returns errUnreadable if something else is missing, or damaged.
func (v *vod) measure(x *left) (size int64, lasts time.Duration, err error) {
	f, err := os.Open(x.path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, 0, err
	}
	if v.suffix == ".ts" {
		e, err := mpegts.Measure(io.LimitReader(f, largestLeft))
		if e.Units == 0 {
			return 0, 0, err
		}
		return e.Size, e.End - e.First, err
	}
	name := cmp.Or(x.init, v.list.init)
	if name == "" {
		return 0, 0, fmt.Errorf("%w: nothing says which initialization segment it has", errUnreadable)
	}
	init, err := readInit(filepath.Join(v.dir, name))
	if err != nil {
		return 0, 0, err
	}
	e, err := mp4.MeasureSegment(init, f, min(info.Size(), largestLeft))
	switch {
	case errors.Is(err, mp4.ErrEmpty):
		return 0, 0, nil
	case errors.Is(err, mp4.ErrNoMovie), errors.Is(err, mp4.ErrMalformed), errors.Is(err, mp4.ErrNoTracks):
		return 0, 0, fmt.Errorf("%w: %w", errUnreadable, err)
	}
	return e.Size, e.End - e.First, err
}

// largestLeft bounds what is read of a segment, in bytes: one may be larger by the chunk that has ended it.
const largestLeft = 2 * largestSegment

// readInit reads an initialization segment. One that is gone is empty.
func readInit(name string) ([]byte, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, largestInit))
}

// cutTo makes a file so long, and writes it through to the disk.
func cutTo(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

// tellSegment tells the observers of a segment in a directory.
func (r *Recorder) tellSegment(o *owner, params, dir string, e *entry) {
	file := filepath.Join(dir, e.name)
	info, err := os.Stat(file)
	if err != nil { // somebody has removed it
		return
	}
	name, err := filepath.Rel(o.place.dir(), file)
	if err != nil {
		return
	}
	r.media.RecordedTS(&hook.RecordEvent{
		Stream: o.stream, Params: params, Start: e.begins, Length: e.lasts, FileSize: info.Size(), FilePath: file,
		FileName: filepath.ToSlash(name), Folder: o.place.dir(), URL: path.Join(o.place.url, filepath.ToSlash(name)),
	})
}
