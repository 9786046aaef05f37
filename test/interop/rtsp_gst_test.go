package interop

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// python is Debian's, which has the bindings of GStreamer.
const python = "/usr/bin/python3"

// gstServer starts an RTSP server of GStreamer's that serves or records a file, and returns the URL of its stream
// and what it runs in.
func gstServer(ctx context.Context, t *testing.T, mode, file string) (url string, p *process) {
	t.Helper()
	need(t, python)
	const bindings = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
	if _, err := run(ctx, python, "-c", bindings); err != nil {
		missing(t, "no RTSP server of GStreamer: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0, or scripts/clients.sh")
	}
	out := &testlog.Buffer{}
	p, err := launch(ctx, out, python, filepath.Join("gst", "server.py"), mode, file)
	require.NoError(t, err)
	t.Cleanup(p.kill)
	for !strings.Contains(out.String(), "\n") {
		select {
		case <-p.ended:
			t.Fatal(p.err)
		case <-time.After(10 * time.Millisecond):
		}
	}
	return "rtsp://" + net.JoinHostPort("127.0.0.1", strings.TrimSpace(out.String())) + streamPath, p
}

func testKey() media.StreamKey {
	return media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}
}

// What is pulled from another server is what it serves.
func TestRTSPPull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transport rtsp.Transport
		bframes   int
		readers   []reader
	}{
		"TCP": {rtsp.TCP, 3, []reader{
			rtspCopier("ffmpeg RTSP TCP", "tcp"), copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
		}},
		"TCP without B-frames": {rtsp.TCP, 0, []reader{
			rtspCopier("ffmpeg RTSP TCP", "tcp"), copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
		}},
		// By UDP the other server's last packets are not ordered with its goodbye.
		"UDP": {rtsp.UDP, 3, []reader{
			mayLose(rtspCopier("ffmpeg RTSP TCP", "tcp")), mayLose(copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg")),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := getClip(t, "h264", c.bframes)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			// When a pull breaks off, the stream would wait for it to come back.
			s := serve(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}, nil)
			pulled := pullFromGst(ctx, t, s, source.file, c.transport)
			results := readAll(ctx, t, s, c.readers)
			err := <-pulled
			t.Logf("the pull ended with %v", err)
			require.NoError(t, ctx.Err())
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) { r.checkMost(ctx, t, source) })
			}
		})
	}
}

// gstAborts is what its server ends itself with on a busy machine, when PLAY comes before all its payloaders know
// where they are in the file.
const gstAborts = "gst_rtsp_media_get_rates: assertion failed"

// pullFromGst pulls a file from a server of GStreamer's, and waits until the stream is live. The pull ends by what is
// received.
func pullFromGst(ctx context.Context, t *testing.T, s *server, file string, transport rtsp.Transport) <-chan error {
	t.Helper()
	for {
		url, peer := gstServer(ctx, t, "play", file)
		pulled := make(chan error, 1)
		waiting, stop := context.WithCancel(ctx)
		go func() {
			defer stop()
			pulled <- rtsp.Pull(ctx, s.media, url, testKey(), rtsp.ClientConfig{Transport: transport, IdleTimeout: 5 * time.Second})
		}()
		if _, err := s.comes(waiting); err == nil {
			return pulled
		}
		require.NoError(t, ctx.Err(), "the stream does not come")
		err := <-pulled
		select {
		case <-peer.ended:
		case <-ctx.Done():
		}
		require.Contains(t, peer.out.String(), gstAborts, "the pull ended with %v", err)
		t.Log("the server of GStreamer's has aborted; another try")
	}
}

// What is pushed to another server is what it records.
func TestRTSPPush(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transport rtsp.Transport
		bframes   int
		spoils    int
	}{
		"TCP": {rtsp.TCP, 3, 0}, "TCP without B-frames": {rtsp.TCP, 0, 0}, "UDP": {rtsp.UDP, 3, udpSpoils},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := getClip(t, "h264", c.bframes)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r := &result{reader: reader{name: "GStreamer", spoils: c.spoils}, path: filepath.Join(t.TempDir(), "out.ts")}
			url, _ := gstServer(ctx, t, "record", r.path)
			s := serve(t, media.Config{}, nil)
			p := background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
			s.await(ctx, t)
			err := rtsp.Push(ctx, s.media, testKey(), url, rtsp.ClientConfig{Transport: c.transport})
			t.Logf("the push ended with %v", err)
			require.NoError(t, ctx.Err())
			require.NoError(t, p.wait())
			settle(ctx, t, r.path)
			// Its server smooths what it takes for the jitter of the network: on a busy machine two DTS are then equal.
			r.checkContent(ctx, t, source)
		})
	}
}

// settle waits until a file has stopped growing.
func settle(ctx context.Context, t *testing.T, path string) {
	t.Helper()
	var before []byte
	for {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if len(before) > 0 && bytes.Equal(before, data) {
			return
		}
		before = data
		select {
		case <-ctx.Done():
			t.Fatal("the file does not end")
		case <-time.After(time.Second):
		}
	}
}
