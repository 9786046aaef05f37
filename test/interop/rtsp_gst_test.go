package interop

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/url"
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

// gstServer is an RTSP server of GStreamer's that serves or records a file.
type gstServer struct {
	login string // how who comes has to prove who that is, if not ""
	far   bool   // it multicasts, in a network of its own: nobody else of its machine can listen to its groups
}

// start starts one, and returns the URL of its stream and what it runs in.
func (g gstServer) start(ctx context.Context, t *testing.T, mode, file string) (address string, p *process) {
	t.Helper()
	need(t, python)
	const bindings = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
	if _, err := run(ctx, python, "-c", bindings); err != nil {
		missing(t, "no RTSP server of GStreamer: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0, or scripts/clients.sh")
	}
	u, host := url.URL{Scheme: "rtsp", Path: streamPath}, "127.0.0.1"
	args := []string{python, filepath.Join("gst", "server.py"), mode, file}
	if g.login != "" {
		u.User = url.UserPassword(user, password)
		args = append(args, "--login", g.login, "--user", user, "--password", password)
	}
	if g.far {
		host = farAddress
		args = append(farAway, append(args, "--multicast", "--address", host)...)
	}
	out := &testlog.Buffer{}
	p, err := launch(ctx, out, args...)
	require.NoError(t, err)
	t.Cleanup(p.kill)
	lines := 1
	if g.far {
		p.awaitLine(t, out, lines)
		reach(ctx, t, p)
		lines++
	}
	port := p.awaitLine(t, out, lines)
	u.Host = net.JoinHostPort(host, port)
	return u.String(), p
}

// awaitLine waits until what it writes has so many lines, and returns the last.
func (p *process) awaitLine(t *testing.T, out *testlog.Buffer, n int) string {
	t.Helper()
	for {
		if lines := strings.Split(out.String(), "\n"); len(lines) > n {
			return lines[n-1]
		}
		select {
		case <-p.ended:
			t.Fatal(p.err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func testKey() media.StreamKey {
	return media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}
}

// What is pulled from another server is what it serves.
func TestRTSPPull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transport rtsp.Transport
		login     string
		bframes   int
		readers   []reader
	}{
		"TCP with Digest": {rtsp.TCP, "digest", 3, []reader{
			rtspCopier("ffmpeg RTSP TCP", "tcp"), copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
		}},
		"TCP without B-frames": {rtsp.TCP, "", 0, []reader{
			rtspCopier("ffmpeg RTSP TCP", "tcp"), copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg"),
		}},
		// By UDP the other server's last packets are not ordered with its goodbye.
		"UDP with Basic": {rtsp.UDP, "basic", 3, []reader{
			mayLose(rtspCopier("ffmpeg RTSP TCP", "tcp")), mayLose(copier("ffmpeg HTTP", "out.flv", (*server).httpURL, "ffmpeg")),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := getClip(t, "h264", c.bframes)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			// When a pull breaks off, the stream would wait for it to come back.
			s := serve(t, endsAtOnce(), nil)
			pulled := pullFromGst(ctx, t, s, source.file, gstServer{login: c.login}, rtsp.ClientConfig{Transport: c.transport, IdleTimeout: 5 * time.Second})
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
func pullFromGst(ctx context.Context, t *testing.T, s *server, file string, g gstServer, cfg rtsp.ClientConfig) <-chan error {
	t.Helper()
	for {
		url, peer := g.start(ctx, t, "play", file)
		if g.login != "" {
			refused(t, func(url string) error { return rtsp.Pull(ctx, s.media, url, testKey(), rtsp.ClientConfig{}) }, url)
		}
		pulled := make(chan error, 1)
		waiting, stop := context.WithCancel(ctx)
		go func() {
			defer stop()
			pulled <- rtsp.Pull(ctx, s.media, url, testKey(), cfg)
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

// refused tries to get in as somebody else, in vain.
func refused(t *testing.T, try func(url string) error, to string) {
	t.Helper()
	u, err := url.Parse(to)
	require.NoError(t, err)
	for _, who := range []*url.Userinfo{nil, url.UserPassword(user, "close sesame")} {
		u.User = who
		status, ok := errors.AsType[*rtsp.StatusError](try(u.String()))
		require.True(t, ok)
		require.Equal(t, 401, status.Code)
	}
}

// What is pushed to another server is what it records.
func TestRTSPPush(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		transport rtsp.Transport
		login     string
		bframes   int
		spoils    int
	}{
		"TCP with Digest": {rtsp.TCP, "digest", 3, 0}, "TCP without B-frames": {rtsp.TCP, "", 0, 0},
		"UDP with Basic": {rtsp.UDP, "basic", 3, udpSpoils},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := getClip(t, "h264", c.bframes)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			r := &result{reader: reader{name: "GStreamer", spoils: c.spoils}, path: filepath.Join(t.TempDir(), "out.ts")}
			to, _ := gstServer{login: c.login}.start(ctx, t, "record", r.path)
			s := serve(t, media.Config{}, nil)
			s.pushClip(ctx, t, source, func(ctx context.Context, m *media.Server, key media.StreamKey) error {
				push := func(url string) error { return rtsp.Push(ctx, m, key, url, rtsp.ClientConfig{Transport: c.transport}) }
				if c.login != "" {
					refused(t, push, to)
				}
				return push(to)
			})
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
