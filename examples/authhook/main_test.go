package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// dial opens a stream for publishing with an independent client.
func dial(ctx context.Context, t *testing.T, address string) (*gortmplib.Client, error) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	c := &gortmplib.Client{URL: u, Publish: true}
	return c, c.Initialize(ctx)
}

// publish sends G.711 frames until ctx ends.
func publish(ctx context.Context, c *gortmplib.Client) error {
	defer c.Close()
	track := &gortmplib.Track{Codec: &codecs.G711{MULaw: true, ChannelCount: 1}}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{track}}
	if err := w.Initialize(); err != nil {
		return err
	}
	for at := time.Duration(0); ctx.Err() == nil; at += 20 * time.Millisecond {
		if err := w.WriteG711(track, at, make([]byte, 160)); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

func TestTokens(t *testing.T) {
	defer goleak.VerifyNone(t)
	rtmpPort, httpPort := listen(t), listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, &tokens{publish: "write", play: "read"}, rtmpPort, httpPort) }()

	address := "rtmp://" + rtmpPort.Addr().String() + "/live/a"
	for _, query := range []string{"", "?token=read", "?token=", "?token=write%00"} {
		_, err := dial(ctx, t, address+query)
		require.ErrorContains(t, err, "NetStream.Publish.BadAuth", query)
	}
	c, err := dial(ctx, t, address+"?token=write")
	require.NoError(t, err)
	publishing, stop := context.WithCancel(ctx)
	published := make(chan error, 1)
	go func() { published <- publish(publishing, c) }()

	flv := "http://" + httpPort.Addr().String() + "/live/a.live.flv"
	res, err := http.Get(flv + "?token=write")
	require.NoError(t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusUnauthorized, res.StatusCode)
	require.Contains(t, string(text), "bad token")

	res, err = http.Get(flv + "?token=read")
	require.NoError(t, err)
	head, err := bufio.NewReader(res.Body).Peek(1000)
	require.NoError(t, err)
	require.Equal(t, "FLV", string(head[:3]))
	require.NoError(t, res.Body.Close())

	stop()
	require.NoError(t, <-published)
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	http.DefaultClient.CloseIdleConnections()
}

func TestEmptyTokenAdmitsNobody(t *testing.T) {
	_, err := (&tokens{}).OnPublish(t.Context(), &hook.PublishEvent{})
	require.Error(t, err)
	require.Error(t, (&tokens{}).OnPlay(t.Context(), &hook.PlayEvent{}))
}
