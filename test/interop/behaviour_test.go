package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
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
)

// A refusal ends real clients with an error of their own accord.
func TestRefusalEndsClients(t *testing.T) {
	need(t, "ffmpeg", "rtmpdump", "curl")
	clip := encode(t, "clip.flv", 10, "-c:v", "libx264", "-preset", "ultrafast")
	s := start(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPublish: func(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
			return hook.PublishReply{}, hook.Deny(1, "bad token")
		},
		OnPlay: func(context.Context, *hook.PlayEvent) error { return hook.Deny(1, "bad token") },
	}}})
	out := filepath.Join(t.TempDir(), "out.flv")
	for name, args := range map[string][]string{
		"ffmpeg publishes":   {"ffmpeg", "-v", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", s.rtmpURL("test")},
		"ffmpeg plays RTMP":  {"ffmpeg", "-v", "error", "-y", "-i", s.rtmpURL("test"), "-c", "copy", out},
		"ffmpeg plays HTTP":  {"ffmpeg", "-v", "error", "-y", "-i", s.flvURL("test"), "-c", "copy", out},
		"rtmpdump plays":     {"rtmpdump", "-q", "-r", s.rtmpURL("test"), "-o", out},
		"curl fails on 401":  {"curl", "-sS", "-f", "-o", out, s.flvURL("test")},
		"curl sees the text": {"curl", "-sS", s.flvURL("test")},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			begun := time.Now()
			text, err := run(ctx, args...)
			require.NoError(t, ctx.Err(), "it did not end by itself")
			if name == "curl sees the text" {
				require.NoError(t, err)
				require.Contains(t, text, "bad token")
				return
			}
			require.Error(t, err)
			t.Logf("refused after %v", time.Since(begun).Round(time.Millisecond))
		})
	}
}

// A viewer may come first, and does not notice that the publisher is killed and comes back.
func TestViewerOutlivesThePublisher(t *testing.T) {
	need(t, "ffmpeg")
	clip := encode(t, "clip.flv", 30, "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2")
	source := pictures(t, clip)
	s := start(t, media.Config{})
	out := filepath.Join(t.TempDir(), "out.flv")
	watched := make(chan error, 1)
	go func() {
		_, err := run(t.Context(), "ffmpeg", "-v", "error", "-y", "-i", s.flvURL("test"), "-c", "copy", "-t", "10", out)
		watched <- err
	}()
	time.Sleep(time.Second) // the viewer is there first
	args := []string{"-v", "error", "-re", "-i", clip, "-c", "copy", "-f", "flv", s.rtmpURL("test")}
	killed := exec.CommandContext(t.Context(), "ffmpeg", args...)
	require.NoError(t, killed.Start())
	st := s.await(t, "test")
	time.Sleep(5 * time.Second)
	require.NoError(t, killed.Process.Signal(syscall.SIGKILL))
	_ = killed.Wait() // it was killed
	time.Sleep(time.Second)
	publish(t, append([]string{"ffmpeg"}, args...)...)
	require.NoError(t, <-watched)
	require.Same(t, st, s.await(t, "test"))
	requireMonotone(t, out)
	got := pictures(t, out)
	// The first publisher's pictures, then those of the second from the beginning.
	again := 0
	for i, p := range got[1:] {
		if p == source[0] {
			again = i + 1
		}
	}
	require.NotZero(t, again, "the second publisher is not seen")
	requireRun(t, source, append(got[:again:again], "", ""), 50)
	requireRun(t, source, got[again:], 50)
}

// Chromium plays through mpegts.js for half a minute by either protocol.
func TestChromium(t *testing.T) {
	need(t, "chromium", "node", "npm")
	_, err := run(t.Context(), "npm", "--prefix", "browser", "ci", "--no-audit", "--no-fund")
	require.NoError(t, err)
	dir := t.TempDir()
	bin := filepath.Join(dir, "mediaserver")
	_, err = run(t.Context(), "go", "build", "-o", bin, "github.com/sluice-media/sluice/examples/mediaserver")
	require.NoError(t, err)
	port := freePort(t)
	ini := fmt.Sprintf("[http]\nport=%d\n[rtmp]\nport=0\n[rtsp]\nport=0\n[shell]\nport=0\n[rtp_proxy]\nport=0\n", port)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.ini"), []byte(ini), 0o600))
	publish(t, bin, "-c", filepath.Join(dir, "config.ini"), "-demo")
	page := fmt.Sprintf("http://127.0.0.1:%d/", port)
	require.Eventually(t, func() bool {
		reply, err := http.Get(page + "streams.json")
		if err != nil {
			return false
		}
		defer reply.Body.Close()
		var b bytes.Buffer
		_, _ = b.ReadFrom(reply.Body)
		return strings.Contains(b.String(), `"demo"`)
	}, 30*time.Second, 50*time.Millisecond)
	t.Run("plays", func(t *testing.T) {
		for _, proto := range []string{"http", "ws"} {
			t.Run(proto, func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				out, err := run(ctx, "node", "browser/play.mjs", page+"?play=live/demo&proto="+proto, "30")
				require.NoError(t, err)
				requirePlayed(t, out)
			})
		}
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	ln := listen(t)
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	require.NoError(t, err)
	n, err := strconv.Atoi(port)
	require.NoError(t, err)
	return n
}

// requirePlayed checks what play.mjs saw.
func requirePlayed(t *testing.T, out string) {
	t.Helper()
	var saw struct {
		Samples []struct {
			Time     float64
			Pictures int
			Width    int
			Error    string
		}
		Log []string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &saw), out)
	require.Empty(t, saw.Log)
	require.Len(t, saw.Samples, 31)
	first, last := saw.Samples[0], saw.Samples[30]
	for i, now := range saw.Samples[1:] {
		require.Empty(t, now.Error)
		require.Greater(t, now.Time, saw.Samples[i].Time, "it stands still after %d s", i)
	}
	require.Equal(t, 640, last.Width)
	require.Greater(t, last.Time-first.Time, 20.0)
	require.Greater(t, last.Pictures-first.Pictures, 400)
}
