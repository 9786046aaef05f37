//go:build unix

package record

import (
	"errors"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// keepsOpen says that a file stays open, and so locked, until it has its name.
const keepsOpen = true

// createFile makes a new file that no other process takes for one that a crash has left: it is locked before it has its name. The system
// takes the lock away when the process ends, however it does.
func createFile(name string) (file, error) {
	f, err := os.OpenFile(name+newSuffix, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = lock(f)
	if err == nil {
		err = os.Link(f.Name(), name)
	}
	if err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, syscall.EWOULDBLOCK) { // of a file system without links
		if _, taken := os.Lstat(name); taken == nil {
			err = &os.PathError{Op: "create", Path: name, Err: os.ErrExist}
		} else {
			err = os.Rename(f.Name(), name)
		}
	}
	_ = os.Remove(name + newSuffix)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// lock locks a file until it is closed, also when the process ends before.
func lock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// release unlocks a file and closes it. Closed alone it would stay locked for as long as a process that is just being forked has it, too.
func release(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}

// locked is a file that is locked until it is closed.
type locked struct{ *os.File }

// Close implements [io.Closer].
func (f locked) Close() error { return release(f.File) }

// isHeld reports whether an error of lock says that somebody else has the file locked.
func isHeld(err error) bool { return errors.Is(err, syscall.EWOULDBLOCK) }

// lockLeft takes over a file that nobody writes any more, until it is closed.
func lockLeft(name string) (io.Closer, bool) {
	f, err := os.Open(name)
	if err != nil {
		return nil, false
	}
	if lock(f) != nil {
		_ = f.Close()
		return nil, false
	}
	return locked{f}, true
}
