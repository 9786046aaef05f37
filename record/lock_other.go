//go:build !unix

package record

import (
	"io"
	"os"
)

// keepsOpen says that a file is closed before it gets its name: an open one cannot be renamed here.
const keepsOpen = false

// createFile makes a new file.
func createFile(name string) (file, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
}

// lockLeft takes over a file that nobody writes any more: otherwise it could not be opened for writing.
func lockLeft(name string) (io.Closer, bool) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, false
	}
	return io.NopCloser(nil), f.Close() == nil
}
