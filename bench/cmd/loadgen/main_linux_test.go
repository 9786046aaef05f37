package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/crowd"
)

func TestParse(t *testing.T) {
	t.Parallel()
	cfg, err := parse([]string{"-proto", "flv", "-url", "http://127.0.0.1:80/live/a.live.flv", "-n", "7"})
	require.NoError(t, err)
	require.Equal(t, 7, cfg.N)
	require.Equal(t, 1, cfg.Samples)
	require.Equal(t, "/live/a.live.flv", cfg.URL.Path)
	cfg, err = parse([]string{"-proto", "raw", "-url", "tcp://127.0.0.1:80", "-samples", "3"})
	require.NoError(t, err)
	require.Zero(t, cfg.Samples, "raw bytes cannot be parsed")
	require.Zero(t, cfg.Probes)
	_, err = parse([]string{"-n", "x"})
	require.Error(t, err)
	_, err = parse([]string{"-url", "http://[bad"})
	require.Error(t, err)
}

func TestRunFailsWithoutAServer(t *testing.T) {
	t.Parallel()
	cfg, err := parse([]string{"-url", "rtmp://127.0.0.1:1/live/a", "-n", "2", "-settle", "0s", "-t", "1ms", "-probes", "0"})
	require.NoError(t, err)
	require.ErrorContains(t, run(context.Background(), cfg), "2 players lost")
	require.Error(t, run(context.Background(), crowd.Config{}))
}
