package record

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// lock locks a file until it is closed, also when the process ends before. What is locked is a byte far behind its end, since others are to read
// it meanwhile.
func lock(f *os.File) error {
	const exclusively = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(f.Fd()), exclusively, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30})
}

// isHeld reports whether an error of lock says that somebody else has the file locked.
func isHeld(err error) bool {
	return errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING)
}

// release unlocks a file and closes it.
func release(f *os.File) error { return f.Close() }
