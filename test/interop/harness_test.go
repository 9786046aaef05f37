package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/web"
)

// need skips a test whose clients are not installed; in CI it fails.
func need(t *testing.T, clients ...string) {
	t.Helper()
	for _, c := range clients {
		if _, err := exec.LookPath(c); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed; scripts/clients.sh installs it", c)
		}
		t.Skipf("%s is not installed; scripts/clients.sh installs it", c)
	}
}

// server is a whole server on free ports.
type server struct {
	media      *media.Server
	rtmp, http string // addresses
}

func start(t *testing.T, cfg media.Config) *server {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	m, err := media.New(cfg)
	require.NoError(t, err)
	rs, err := rtmp.NewServer(m, rtmp.Config{})
	require.NoError(t, err)
	wh, err := web.NewHandler(m, web.Config{})
	require.NoError(t, err)
	hs := &http.Server{Handler: wh, ReadHeaderTimeout: 10 * time.Second}
	rtmpLn, httpLn := listen(t), listen(t)
	served := make(chan error, 2)
	go func() { served <- rs.Serve(rtmpLn) }()
	go func() { served <- hs.Serve(httpLn) }()
	t.Cleanup(func() {
		require.NoError(t, errors.Join(m.Close(), hs.Close()))
		<-served
		<-served
	})
	return &server{media: m, rtmp: rtmpLn.Addr().String(), http: httpLn.Addr().String()}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// testWriter puts the server's log into the test's.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	if w.t.Context().Err() == nil {
		w.t.Logf("server: %s", bytes.TrimSpace(b))
	}
	return len(b), nil
}

func (s *server) rtmpURL(name string) string { return "rtmp://" + s.rtmp + "/live/" + name }
func (s *server) flvURL(name string) string {
	return "http://" + s.http + "/live/" + name + ".live.flv"
}

func (s *server) wsURL(name string) string { return "ws://" + s.http + "/live/" + name + ".live.flv" }

// await waits until a stream is live.
func (s *server) await(t *testing.T, name string) *media.Stream {
	t.Helper()
	var st *media.Stream
	require.Eventually(t, func() bool {
		var ok bool
		st, ok = s.media.Stream(media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: name})
		return ok
	}, 30*time.Second, 10*time.Millisecond, "the stream does not come")
	return st
}

// run runs a client to its end and returns what it said. When ctx ends it is interrupted, as by hand.
func run(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 5 * time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	if err != nil {
		err = fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String(), err
}

// publish runs a publisher in the background until the test ends, or stop is called.
func publish(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if _, err := run(ctx, args...); err != nil && ctx.Err() == nil {
			t.Logf("publisher: %v", err)
		}
	}()
	stop = func() { cancel(); <-ended }
	t.Cleanup(stop)
	return stop
}

// encode makes a clip of pictures that all differ, with AAC.
func encode(t *testing.T, file string, seconds int, options ...string) string {
	t.Helper()
	need(t, "ffmpeg", "ffprobe")
	path := filepath.Join(t.TempDir(), file)
	args := []string{
		"ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=44100",
		"-t", strconv.Itoa(seconds), "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0", "-c:a", "aac",
	}
	_, err := run(t.Context(), append(append(args, options...), path)...)
	require.NoError(t, err)
	return path
}

// pictures returns a hash of every picture that ffmpeg decodes from a file.
func pictures(t *testing.T, path string) []string {
	t.Helper()
	// A live recording may end within a picture, of which ffmpeg complains.
	out, err := run(t.Context(), "ffmpeg", "-v", "fatal", "-i", path, "-map", "0:v", "-fps_mode", "passthrough", "-f", "framehash", "-hash", "md5", "-")
	require.NoError(t, err)
	var list []string
	for line := range strings.Lines(out) {
		if fields := strings.Fields(line); len(fields) > 0 && !strings.HasPrefix(line, "#") {
			list = append(list, fields[len(fields)-1])
		}
	}
	return list
}

// requireRun checks that got is a run of at least n pictures of source, with none missing and none changed. The
// last few may be cut short by the end of the recording.
func requireRun(t *testing.T, source, got []string, n int) {
	t.Helper()
	require.GreaterOrEqual(t, len(got), n, "too few pictures")
	got = got[:len(got)-2]
	for from := range source {
		if source[from] != got[0] {
			continue
		}
		for i := range got {
			require.Less(t, from+i, len(source))
			require.Equal(t, source[from+i], got[i], "picture %d of %d is not the one that was published", i, len(got))
		}
		return
	}
	t.Fatal("the first picture is none that was published")
}

// requireMonotone checks that DTS grows strictly in every track of a file, and that PTS is not before it.
func requireMonotone(t *testing.T, path string) {
	t.Helper()
	out, err := run(t.Context(), "ffprobe", "-v", "fatal", "-show_entries", "packet=stream_index,pts_time,dts_time", "-of", "csv=p=0", path)
	require.NoError(t, err)
	last := map[string]float64{}
	n := 0
	for line := range strings.Lines(out) {
		fields := strings.Split(strings.TrimSpace(line), ",")
		if len(fields) < 3 {
			continue
		}
		pts, err1 := strconv.ParseFloat(fields[1], 64)
		dts, err2 := strconv.ParseFloat(fields[2], 64)
		if err1 != nil || err2 != nil {
			continue
		}
		before, seen := last[fields[0]]
		require.True(t, !seen || dts > before, "track %s: %v after %v", fields[0], dts, before)
		require.GreaterOrEqual(t, pts, dts)
		last[fields[0]] = dts
		n++
	}
	require.Greater(t, n, 100)
}
