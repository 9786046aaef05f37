package main

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestDefaultCells(t *testing.T) {
	t.Parallel()
	o, err := parse(nil)
	require.NoError(t, err)
	require.Equal(t, []cell{
		{"rtmp", 500, 0},
		{"rtmp", 500, 300 * time.Millisecond},
		{"flv", 500, 0},
		{"ws", 500, 0},
		{"ts", 500, 0},
		{"fmp4", 500, 0},
		{"rtsp", 500, 0},
		{"rtsp", 500, 300 * time.Millisecond},
		{"rtsp-udp", 500, 0},
		{"rtp", 500, 0},
	}, o.cells())
	require.Len(t, o.parts, 12)
	require.Equal(t, []string{"rtmp", "rtsp"}, o.published())
	require.Equal(t, "rtmp", o.freezing())
	require.Empty(t, o.serverCommand())
}

func TestChosenCells(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-proto", "flv,ws", "-n", "10 20", "-merge", "40", "-parts", "load", "-server", "a b"})
	require.NoError(t, err)
	require.Equal(t, []cell{
		{"flv", 10, 40 * time.Millisecond},
		{"flv", 20, 40 * time.Millisecond},
		{"ws", 10, 40 * time.Millisecond},
		{"ws", 20, 40 * time.Millisecond},
	}, o.cells())
	require.Equal(t, []string{"a", "b"}, o.serverCommand())
}

func TestUDPAlone(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-proto", "rtsp-udp,rtp"})
	require.NoError(t, err)
	require.Empty(t, o.published())
	require.Empty(t, o.freezing())
}

func TestRunningServer(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-pid", "7", "-url", "rtmp://127.0.0.1:1935/live/a", "-proto", "rtmp"})
	require.NoError(t, err)
	require.Equal(t, []string{partLoad}, o.parts)
	require.Equal(t, []cell{{"rtmp", 500, 0}}, o.cells())
	require.NotEmpty(t, o.serverCommand(), "nothing is built")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"-proto", "sctp"},
		{"-streams", "3"},
		{"-receivers", "3"},
		{"-proto", ""},
		{"-parts", "lunch"},
		{"-n", "many"},
		{"-n", "0"},
		{"-merge", "-1"},
		{"-rounds", "0"},
		{"-pid", "7"},
		{"-pid", "7", "-url", "x"},
		{"-unknown"},
		{"extra"},
	} {
		_, err := parse(args)
		require.Error(t, err, "%v", args)
	}
}

func TestRunRefusesBadOptionsAndClips(t *testing.T) {
	t.Parallel()
	require.Error(t, run(context.Background(), []string{"-rounds", "0"}))
	require.Error(t, run(context.Background(), []string{"-clip", "does-not-exist.flv"}))
}
