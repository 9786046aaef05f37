package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

func TestParse(t *testing.T) {
	t.Parallel()
	clip := filepath.Join(t.TempDir(), "clip.flv")
	require.NoError(t, os.WriteFile(clip, flvtest.File(time.Second), 0o600))
	cfg, err := parse([]string{"-proto", "rtsp", "-url", "rtsp://127.0.0.1:554/live/a", "-n", "7", "-clip", clip})
	require.NoError(t, err)
	require.Equal(t, 7, cfg.N)
	require.Equal(t, "/live/a", cfg.URL.Path)
	require.NotEmpty(t, cfg.Clip)
	for _, args := range [][]string{
		{"-n", "x"},
		{"-url", "rtmp://[bad"},
		{"-clip", clip + "-none"},
	} {
		_, err = parse(args)
		require.Error(t, err, "%v", args)
	}
}

func TestRunFailsWithoutAServer(t *testing.T) {
	t.Parallel()
	clip := filepath.Join(t.TempDir(), "clip.flv")
	require.NoError(t, os.WriteFile(clip, flvtest.File(time.Second), 0o600))
	cfg, err := parse([]string{"-url", "rtmp://127.0.0.1:1/live/a", "-n", "2", "-clip", clip})
	require.NoError(t, err)
	require.ErrorContains(t, run(context.Background(), cfg), "refused")
}
