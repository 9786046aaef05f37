//go:build unix

package record

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// makePipe makes a pipe with a name, whose opening waits for who writes to it.
func makePipe(t *testing.T, path string) {
	t.Helper()
	require.NoError(t, syscall.Mkfifo(path, 0o600))
}
