//go:build !unix

package record

import "os"

// lock does nothing: on these systems a file that is open for writing cannot be renamed or removed.
func lock(*os.File) error { return nil }

// locked reports whether somebody writes a file: then it cannot be opened for writing everywhere.
func locked(name string) bool {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return true
	}
	_ = f.Close()
	return false
}
