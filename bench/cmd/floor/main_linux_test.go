package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "bad.flv")
	require.NoError(t, os.WriteFile(bad, []byte("no clip"), 0o600))
	require.Error(t, run(context.Background(), "nowhere", bad, 0))
	require.ErrorIs(t, run(context.Background(), "127.0.0.1:0", filepath.Join(dir, "none.flv"), 0), os.ErrNotExist)
	require.ErrorContains(t, run(context.Background(), "127.0.0.1:0", bad, 0), "FLV")
}
