//go:build unix

package docroot

import (
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What is neither a file nor a folder is not there, and nobody waits for it: not even where it takes the place of a file.
func TestNoDevices(t *testing.T) {
	dir, _ := tree(t, "file")
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	ln, err := net.Listen("unix", filepath.Join(dir, "socket"))
	require.NoError(t, err)
	defer ln.Close()
	require.NoError(t, os.Symlink("pipe", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, "zero")))
	folder, err := OpenFolder(dir)
	require.NoError(t, err)
	defer folder.Close()
	for _, name := range []string{"pipe", "socket", "link", "zero"} {
		_, _, err := folder.Open(name)
		require.Error(t, err, name)
	}
	entries, _, err := folder.List("")
	require.NoError(t, err)
	require.Len(t, entries, 1)
	opened := make(chan error, 1)
	go func() {
		_, _, err := folder.open("pipe", os.FileMode.IsRegular)
		opened <- err
	}()
	select {
	case err := <-opened:
		require.Error(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for a writer")
	}
}
