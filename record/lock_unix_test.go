//go:build unix

package record

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A playlist that was let go of is nobody's, although a process that is just being forked has its descriptor still.
func TestLockOfAForkedProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vod.m3u8")
	f, err := lockVOD(path, true)
	require.NoError(t, err)
	_, err = lockVOD(path, false)
	require.ErrorIs(t, err, ErrInUse)
	child, err := unix.Dup(int(f.Fd()))
	require.NoError(t, err)
	defer func() { require.NoError(t, unix.Close(child)) }()
	require.NoError(t, release(f))
	f, err = lockVOD(path, false)
	require.NoError(t, err)
	require.NoError(t, release(f))
}
