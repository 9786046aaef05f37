package interop

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

// server is a whole server on free ports.
type server struct {
	media            *media.Server
	rtmp, http, rtsp string // addresses
	path             string // of what is read; empty for the stream of the tests
}

// serve starts a server that ends with the test. What is no stream goes to other, which may be nil.
func serve(t *testing.T, cfg media.Config, other http.Handler) *server {
	t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(t.Output(), nil))
	if cfg.Options.EnableHLSFMP4 == nil {
		cfg.Options.EnableHLSFMP4 = new(true)
	}
	m, err := media.New(cfg)
	require.NoError(t, err)
	rs, err := rtmp.NewServer(m, rtmp.Config{})
	require.NoError(t, err)
	// A reader on a busy machine may be slow for longer than the usual three segments last.
	wh, err := web.NewHandler(m, web.Config{NotFound: other, HLS: web.HLSConfig{Segments: 10}})
	require.NoError(t, err)
	ts, err := rtsp.NewServer(m, rtsp.Config{PortRange: [2]int{40000, 44000}})
	require.NoError(t, err)
	hs := &http.Server{Handler: wh, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	rtmpLn, httpLn, rtspLn := listen(t), listen(t), listen(t)
	served := make(chan error, 3)
	go func() { served <- ts.Serve(rtspLn) }()
	go func() { served <- rs.Serve(rtmpLn) }()
	go func() { served <- hs.Serve(httpLn) }()
	t.Cleanup(func() {
		require.NoError(t, errors.Join(m.Close(), hs.Close()))
		for range cap(served) {
			<-served
		}
	})
	return &server{media: m, rtmp: rtmpLn.Addr().String(), http: httpLn.Addr().String(), rtsp: rtspLn.Addr().String()}
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// The streams of the tests are all called live/test.
const streamPath = "/live/test"

// at is the path of what is read.
func (s *server) at() string { return cmp.Or(s.path, streamPath) }

func (s *server) rtmpURL() string { return "rtmp://" + s.rtmp + s.at() }
func (s *server) rtspURL() string { return "rtsp://" + s.rtsp + s.at() }
func (s *server) httpURL() string { return "http://" + s.http + s.at() + ".live.flv" }
func (s *server) tsURL() string   { return "http://" + s.http + s.at() + ".live.ts" }
func (s *server) fmp4URL() string { return "http://" + s.http + s.at() + ".live.mp4" }
func (s *server) hlsURL() string  { return "http://" + s.http + s.at() + "/hls.m3u8" }
func (s *server) hls4URL() string { return "http://" + s.http + s.at() + "/hls.fmp4.m3u8" }
func (s *server) wsURL() string   { return "ws://" + s.http + s.at() + ".live.flv" }

// await waits until the stream is live and its tracks are known.
func (s *server) await(ctx context.Context, t *testing.T) *media.Stream {
	t.Helper()
	st, err := s.comes(ctx)
	require.NoError(t, err, "the stream does not come")
	return st
}

// comes waits until the stream is live and its tracks are known, or ctx ends.
func (s *server) comes(ctx context.Context) (*media.Stream, error) {
	for {
		if st, ok := s.media.Stream(testKey()); ok {
			_, err := st.Tracks(ctx)
			return st, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}
