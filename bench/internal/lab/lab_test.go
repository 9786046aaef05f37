package lab

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
)

func TestWithConfig(t *testing.T) {
	t.Parallel()
	require.Equal(t, []string{"server", "-c", "x.ini"}, withConfig([]string{"server"}, "x.ini"))
	require.Equal(t, []string{"server", "--conf=x.ini", "-v"}, withConfig([]string{"server", "--conf={config}", "-v"}, "x.ini"))
}

func TestSettings(t *testing.T) {
	t.Parallel()
	text := string(settings(1935, 8080, 8554, Settings{Merge: 300 * time.Millisecond, Record: "x", Origin: "rtsp://o/%s/%s"}))
	require.Contains(t, text, "[http]\nport=8080\n")
	require.Contains(t, text, "[rtmp]\nport=1935\n")
	require.Contains(t, text, "[rtsp]\nport=8554\n")
	require.Contains(t, text, "[cluster]\norigin_url=rtsp://o/%s/%s\n")
	require.Contains(t, text, "[general]\nmergeWriteMS=300\n")
}

func TestPlayURL(t *testing.T) {
	t.Parallel()
	s := &Server{rtmp: "127.0.0.1:1", http: "127.0.0.1:2", rtsp: "127.0.0.1:3"}
	for proto, want := range map[string]string{
		"rtmp":     "rtmp://127.0.0.1:1/live/bench",
		"flv":      "http://127.0.0.1:2/live/bench.live.flv",
		"ws":       "ws://127.0.0.1:2/live/bench.live.flv",
		"rtsp":     "rtsp://127.0.0.1:3/live/bench",
		"rtsp-udp": "rtsp://127.0.0.1:3/live/bench",
		"rtp":      "http://127.0.0.1:2/index/api/startSendRtp?vhost=__defaultVhost__&app=live&stream=bench&type=1",
	} {
		got, err := s.PlayURL(proto)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := s.PlayURL("smoke")
	require.Error(t, err)
}

func TestFreePortsDiffer(t *testing.T) {
	t.Parallel()
	ports, err := freePorts(3)
	require.NoError(t, err)
	require.Len(t, ports, 3)
	require.NotEqual(t, ports[0], ports[1])
	l, err := net.Listen("tcp", local(ports[2]))
	require.NoError(t, err)
	require.NoError(t, l.Close())
}

// self is a command line that runs this test program without a test and with the given environment left alone.
func self(t *testing.T, pattern string) []string {
	t.Helper()
	path, err := os.Executable()
	require.NoError(t, err)
	return []string{path, "-test.run=" + pattern, "-test.v"}
}

func TestProcessThatEnds(t *testing.T) {
	t.Parallel()
	p, err := start(context.Background(), t.TempDir(), self(t, "^TestSettings$")...)
	require.NoError(t, err)
	<-p.done
	require.ErrorContains(t, p.alive(), "PASS", "the error quotes the output")
	p.stop()
}

func TestServerThatEndsIsAnError(t *testing.T) {
	t.Parallel()
	_, err := StartServer(context.Background(), t.TempDir(), append(self(t, "^$"), "{config}"), Settings{})
	require.ErrorContains(t, err, "ended")
}

func TestStartOfNothing(t *testing.T) {
	t.Parallel()
	_, err := start(context.Background(), t.TempDir(), filepath.Join(t.TempDir(), "nothing"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestListenForAMinute is no test of its own: TestServerStartsAndStops runs it as a server.
func TestListenForAMinute(t *testing.T) {
	config := os.Getenv("LAB_TEST_CONFIG")
	if config == "" {
		t.Skip("runs as a server for another test")
	}
	for _, port := range portsOf(t, config) {
		l, err := net.Listen("tcp", local(port))
		require.NoError(t, err)
		defer l.Close()
	}
	time.Sleep(time.Minute)
}

func TestServerStartsAndStops(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("LAB_TEST_CONFIG", filepath.Join(dir, "config.ini"))
	s, err := StartServer(context.Background(), dir, append(self(t, "^TestListenForAMinute$"), "{config}"), Settings{})
	require.NoError(t, err)
	require.Positive(t, s.Start)
	require.Positive(t, s.PID())
	require.NoError(t, s.Alive())
	s.Stop()
	require.Error(t, s.Alive())
	s.Stop()
}

func TestNewRefusesABadClip(t *testing.T) {
	t.Parallel()
	_, err := New(context.Background(), t.TempDir(), filepath.Join(t.TempDir(), "none.flv"), nil)
	require.ErrorIs(t, err, os.ErrNotExist)
	file := filepath.Join(t.TempDir(), "clip.flv")
	require.NoError(t, os.WriteFile(file, flvtest.Header(), 0o600))
	_, err = New(context.Background(), t.TempDir(), file, nil)
	require.ErrorContains(t, err, "no video")
}

func TestSleepEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Sleep(ctx, time.Hour), context.Canceled)
	require.NoError(t, Sleep(context.Background(), 0))
}

// portsOf finds the ports that are switched on in a configuration.
func portsOf(t *testing.T, config string) []int {
	t.Helper()
	b, err := os.ReadFile(config)
	require.NoError(t, err)
	var ports []int
	for line := range strings.Lines(string(b)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "port="); found && value != "0" {
			port, err := strconv.Atoi(value)
			require.NoError(t, err)
			ports = append(ports, port)
		}
	}
	return ports
}
