package record

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

var (
	errLongList = errors.New("record: the playlist of the hour is too long")
	errNoList   = errors.New("record: the playlist of the hour is no file")
	errForeign  = errors.New("record: the playlist of the hour was not written by a recorder")
	errMeddled  = errors.New("record: somebody has changed or removed the playlist of the hour")
)

// vod is the playlist of an hour (RFC 8216), which is locked while it is open: who has it locked owns the segments beside it. It is only ever
// written at its end, so that a crash leaves one that can be played.
type vod struct {
	dir    string
	suffix string // of its segments
	file   *os.File
	list   vodList // as it was opened, without an end, until what a crash has left is finished
	size   int64   // bytes that are in it
	count  int     // segments that are in it
	sync   bool    // it is written through to the disk
	first  bool    // it has no segment of this recording yet
	shared bool    // there is a segment that is still to be finished, here later or by somebody else
	other  bool    // it has not the usual name, as somebody else's playlist has that
}

// lockVOD opens the playlist of an hour and locks it. It returns ErrInUse if somebody else has. Without create it has to be there, and has to be
// locked; with it a file system that has no locks is none the worse.
func lockVOD(path string, create bool) (*os.File, error) {
	flags := os.O_RDWR
	if create {
		flags |= os.O_CREATE
	}
	for range maxLockTries {
		if info, err := os.Lstat(path); err == nil && !info.Mode().IsRegular() {
			return nil, errNoList // a link would lead to a file that is none of ours
		}
		f, err := os.OpenFile(path, flags, 0o644)
		if err != nil {
			return nil, err
		}
		err = lock(f)
		switch {
		case isHeld(err):
			_ = f.Close()
			return nil, ErrInUse
		case err != nil && !create:
			return nil, errors.Join(err, f.Close())
		case isAt(f, path):
			return f, nil
		}
		_ = f.Close() // who had it locked has removed it meanwhile
	}
	return nil, ErrInUse
}

// maxLockTries is how many files of one name are tried.
const maxLockTries = 10

// isAt reports whether a file still has its name.
func isAt(f *os.File, path string) bool {
	own, err := f.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(path)
	return err == nil && os.SameFile(own, named)
}

// newVOD begins the playlist of an hour in a locked file, or goes on with the one that it has, whose end goes, and what a crash has cut.
func newVOD(f *os.File, suffix string, sync bool) (*vod, error) {
	v := &vod{dir: filepath.Dir(f.Name()), suffix: suffix, file: f, sync: sync, first: true}
	list, err := readList(f)
	if err != nil {
		return nil, err
	}
	if list.foreign {
		return nil, errForeign
	}
	v.list, v.size, v.count = list, int64(len(list.text)), list.entries
	if v.count == 0 {
		v.size = 0
	}
	if err := f.Truncate(v.size); err != nil {
		return nil, err
	}
	if v.count == 0 {
		return v, v.write([]byte(headOfList()))
	}
	return v, v.through()
}

// isIntact reports whether nobody else has written to the playlist, removed it or put another in its place.
func (v *vod) isIntact() bool {
	info, err := v.file.Stat()
	return err == nil && info.Size() == v.size && isAt(v.file, v.file.Name())
}

// write writes at the end: all, or nothing.
func (v *vod) write(b []byte) error {
	_, err := v.file.WriteAt(b, v.size)
	if err == nil {
		err = v.through()
	}
	if err != nil {
		return errors.Join(err, v.file.Truncate(v.size))
	}
	v.size += int64(len(b))
	return nil
}

// through writes through to the disk, if that is wanted.
func (v *vod) through() error {
	if !v.sync {
		return nil
	}
	return v.file.Sync()
}

// breaks reports whether the next segment does not follow from the one before in the playlist. broken says that it does not follow from
// what the recording had before.
func (v *vod) breaks(broken bool) bool { return v.count > 0 && (broken || v.first) }

// add enters a segment.
func (v *vod) add(e *entry) error {
	if !v.isIntact() {
		return errMeddled
	}
	if err := v.write(e.text()); err != nil {
		return err
	}
	v.first = false
	v.count++
	return nil
}

// publish gives a segment its name and enters it. Until it is in the playlist it has its hidden name, too, which says what the entry needs: so
// a crash in between changes nothing. Where files cannot have two names it is given the other one before.
func (v *vod) publish(path string, e *entry) error {
	final := filepath.Join(v.dir, e.name)
	err := os.Link(path, final)
	twice := err == nil || errors.Is(err, os.ErrExist) && isSame(path, final)
	if !twice {
		if _, taken := os.Lstat(final); taken == nil {
			return &os.PathError{Op: "rename", Path: final, Err: os.ErrExist}
		}
		if err := os.Rename(path, final); err != nil {
			return err
		}
	}
	if v.sync {
		syncDir(v.dir)
	}
	if err := v.add(e); err != nil {
		if twice {
			return errors.Join(err, os.Remove(final))
		}
		return errors.Join(err, os.Rename(final, path))
	}
	if twice {
		_ = os.Remove(path) // or the next who opens the playlist does
	}
	return nil
}

// isSame reports whether two names are of one file.
func isSame(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// end says that no more segments come. A playlist without any goes.
func (v *vod) end() error {
	path := v.file.Name()
	switch {
	case v.shared, !v.isIntact():
		return release(v.file)
	case v.count > 0:
		return errors.Join(v.write([]byte(endOfList)), release(v.file))
	case keepsOpen:
		return errors.Join(os.Remove(path), release(v.file))
	}
	return errors.Join(release(v.file), os.Remove(path))
}

// lockWait is how long it is waited for the one who has a playlist locked: who finishes it, or a recording of the same name that is ending.
const lockWait = 3 * time.Second

// maxForeign is how many playlists of an hour that are somebody else's are passed over.
const maxForeign = 10

// otherName is what the playlist of an hour is called where so many are somebody else's: vod_1.m3u8.
func otherName(playlist string, foreign int) string {
	if foreign == 0 {
		return playlist
	}
	base, suffix, _ := strings.Cut(playlist, ".")
	return base + "_" + strconv.Itoa(foreign) + "." + suffix
}

// openHour opens the playlist of the hour of a directory. One that a recorder has not written is left as it is: there is another beside it.
func (g *recording) openHour(dir, playlist, suffix string) (v *vod, err error) {
	for n := range maxForeign {
		path := filepath.Join(dir, otherName(playlist, n))
		v, err = g.openVOD(path, suffix, n > 0)
		if !errors.Is(err, errForeign) && !errors.Is(err, errNoList) {
			break
		}
		g.log.Warn("the playlist of the hour was not written by a recorder, and is left as it is; the recording has another beside it",
			"path", path, "other", filepath.Join(dir, otherName(playlist, n+1)))
	}
	return v, err
}

// openVOD opens the playlist of an hour to be written, when what a crash has left of it has been finished.
func (g *recording) openVOD(path, suffix string, other bool) (*vod, error) {
	f, err := lockVOD(path, true)
	for begun := time.Now(); errors.Is(err, ErrInUse) && time.Since(begun) < lockWait && g.sleep(lockWait/300); {
		f, err = lockVOD(path, true)
	}
	if err != nil {
		return nil, err
	}
	v, err := newVOD(f, suffix, g.recorder.cfg.Sync)
	if err != nil {
		return nil, errors.Join(err, release(f))
	}
	v.other = other
	if v.sync {
		syncDirs(v.dir, g.place.dir())
	}
	if err := g.recorder.mend(v, &owner{g.stream.Key(), g.place}); err != nil {
		v.shared = true // without an end it is found again
		g.log.Warn("what a crash has left of this hour cannot be finished; it is tried again when a recorder begins", "path", path, "err", err)
	}
	v.first, v.list = true, vodList{} // it may be long
	return v, nil
}

// syncDirs writes through that directories have changed: one, and those above it up to a top.
func syncDirs(dir, top string) {
	for syncDir(dir); dir != top && len(dir) > len(top); {
		dir = filepath.Dir(dir)
		syncDir(dir)
	}
}
