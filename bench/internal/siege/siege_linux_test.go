package siege

import (
	"bytes"
	"context"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

// serve runs a server with a stream, and returns its address.
func serve(t *testing.T) string {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	s, err := rtmp.NewServer(m, rtmp.Config{})
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c, err := clip.Load(bytes.NewReader(testmedia.Demo()))
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- s.Serve(l) }()
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "bench"}})
	require.NoError(t, err)
	go func() { ended <- c.Play(ctx, pub) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, m.Close())
		<-ended
		<-ended
	})
	return l.Addr().String()
}

// Peers are counted while they are there, honest viewers are timed meanwhile, and the rest is looked at when they have gone.
func TestRun(t *testing.T) {
	address := serve(t)
	for _, kind := range Kinds() {
		if kind.Big || kind.address(&Config{RTMP: "x"}) != "x" {
			continue // there is no such stream, or no such server
		}
		kind.N = 5
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			res, err := Run(t.Context(), Config{
				Kind: kind, RTMP: address, Stream: "/live/bench", Besieged: "/live/bench-other", PID: os.Getpid(), For: 2 * time.Second,
			})
			require.NoError(t, err)
			require.Zero(t, res.Lost)
			require.NotEmpty(t, res.KeyMS)
			require.EqualValues(t, kind.N, res.Held)
			require.Positive(t, res.BeforeKB)
			require.Positive(t, res.PeakKB)
			require.Positive(t, res.AfterKB)
		})
	}
}

func TestServerThatDoesNotWork(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			_ = conn.Close()
		}
	}()
	_, err = Run(t.Context(), Config{Kind: Kinds()[0], RTMP: l.Addr().String(), Stream: "/live/bench", PID: os.Getpid(), For: time.Second})
	require.ErrorContains(t, err, "does not work")
}
