package interop

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"
	"github.com/stretchr/testify/require"
)

// reader reads a stream for about a time and leaves a file.
type reader struct {
	name    string
	clients []string
	file    string // its name; the suffix says what is in it
	read    func(ctx context.Context, t *testing.T, s *server, stream, path string, seconds int) error
}

func command(args func(s *server, stream, path, seconds string) []string) func(context.Context, *testing.T, *server, string, string, int) error {
	return func(ctx context.Context, _ *testing.T, s *server, stream, path string, seconds int) error {
		_, err := run(ctx, args(s, stream, path, strconv.Itoa(seconds))...)
		return err
	}
}

// interrupted runs a client that goes on for ever, and interrupts it.
func interrupted(args func(s *server, stream, path string) []string) func(context.Context, *testing.T, *server, string, string, int) error {
	return func(ctx context.Context, _ *testing.T, s *server, stream, path string, seconds int) error {
		ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second)
		defer cancel()
		_, err := run(ctx, args(s, stream, path)...)
		if ctx.Err() != nil {
			return nil // it is we who ended it
		}
		return err
	}
}

func readers() []reader {
	copyArgs := func(url func(*server, string) string) func(s *server, stream, path, seconds string) []string {
		return func(s *server, stream, path, seconds string) []string {
			return []string{"ffmpeg", "-v", "error", "-y", "-i", url(s, stream), "-c", "copy", "-t", seconds, path}
		}
	}
	gst := func(source ...string) []string { return append([]string{"gst-launch-1.0", "-q", "-e"}, source...) }
	return []reader{
		{"ffmpeg-rtmp", []string{"ffmpeg"}, "out.flv", command(copyArgs((*server).rtmpURL))},
		{"ffmpeg-http", []string{"ffmpeg"}, "out.flv", command(copyArgs((*server).flvURL))},
		{"rtmpdump", []string{"rtmpdump"}, "out.flv", command(func(s *server, stream, path, seconds string) []string {
			return []string{"rtmpdump", "-q", "-v", "-r", s.rtmpURL(stream), "-o", path, "-B", seconds}
		})},
		{"curl", []string{"curl"}, "out.flv", interrupted(func(s *server, stream, path string) []string {
			return []string{"curl", "-sS", "-o", path, s.flvURL(stream)}
		})},
		{"gstreamer-rtmp", []string{"gst-launch-1.0"}, "out.ts", interrupted(func(s *server, stream, path string) []string {
			return gst("rtmp2src", "location="+s.rtmpURL(stream), "!", "flvdemux", "name=d", "d.video", "!", "queue", "!",
				"h264parse", "!", "mpegtsmux", "!", "filesink", "location="+path)
		})},
		{"gstreamer-http", []string{"gst-launch-1.0"}, "out.ts", interrupted(func(s *server, stream, path string) []string {
			return gst("souphttpsrc", "is-live=true", "location="+s.flvURL(stream), "!", "flvdemux", "name=d", "d.video", "!", "queue", "!",
				"h264parse", "!", "mpegtsmux", "!", "filesink", "location="+path)
		})},
		{"vlc-http", []string{"cvlc"}, "out.ts", interrupted(func(s *server, stream, path string) []string {
			return vlc(s.flvURL(stream), path)
		})},
		{"vlc-rtmp", []string{"cvlc"}, "out.ts", interrupted(func(s *server, stream, path string) []string {
			return vlc(s.rtmpURL(stream), path)
		})},
		{"websocket", nil, "out.flv", readWebSocket},
	}
}

// vlc refuses to run as root.
func vlc(url, path string) []string {
	args := []string{"cvlc", "-q", "--no-audio", url, "--sout", "#std{access=file,mux=ts,dst=" + path + "}"}
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		args = append([]string{"runuser", "-u", "nobody", "--"}, args...)
	}
	return args
}

// readWebSocket is a WebSocket client that keeps what it gets.
func readWebSocket(ctx context.Context, t *testing.T, s *server, stream, path string, seconds int) error {
	t.Helper()
	conn, buffered, _, err := ws.Dial(ctx, s.wsURL(stream))
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Duration(seconds) * time.Second)); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	var from io.ReadWriter = conn
	if buffered != nil {
		from = struct {
			io.Reader
			io.Writer
		}{io.MultiReader(buffered, conn), conn}
	}
	for {
		data, op, err := wsutil.ReadServerData(from)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		require.Equal(t, ws.OpBinary, op)
		if _, err := f.Write(data); err != nil {
			return err
		}
	}
}

// readAll lets all readers read at the same time. For each it returns a function that returns the file it left,
// and fails the test if it failed.
func readAll(t *testing.T, list []reader, s *server, stream string, seconds int) map[string]func(*testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "interop") // not t.TempDir: VLC writes to it as somebody else
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o777))
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(seconds+30)*time.Second)
	defer cancel()
	var reading sync.WaitGroup
	results := map[string]func(*testing.T) string{}
	for _, r := range list {
		path := filepath.Join(dir, r.name+filepath.Ext(r.file))
		var failure error
		if installed(r.clients...) {
			reading.Go(func() { failure = r.read(ctx, t, s, stream, path, seconds) })
		}
		results[r.name] = func(t *testing.T) string {
			t.Helper()
			need(t, r.clients...)
			require.NoError(t, failure)
			return path
		}
	}
	reading.Wait()
	return results
}

func installed(clients ...string) bool {
	for _, c := range clients {
		if _, err := exec.LookPath(c); err != nil {
			return false
		}
	}
	return true
}
