//go:build unix

package record

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock marks a file as being written. The system takes the mark away when the process ends, however it does.
func lock(f *os.File) error { return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// locked reports whether a file is marked by another who writes it.
func locked(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	return lock(f) != nil
}
