package cookbook

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

var doorKey = media.StreamKey{VHost: hook.DefaultVHost, App: "cameras", Name: "door"}

// demands are the recipes by which a server pulls from another, whose RTSP has an address.
func demands(t *testing.T) map[string]func(r *relay.Relay, address string) {
	return map[string]func(*relay.Relay, string){
		"cameras": func(r *relay.Relay, address string) {
			pullOnDemand(r, map[string]string{"door": "rtsp://" + address + "/cameras/door"})
		},
		"edge": func(r *relay.Relay, address string) {
			_, err := beEdge(r, "rtsp://"+address)
			require.NoError(t, err)
		},
	}
}

func newRelay(t *testing.T, m *media.Server) *relay.Relay {
	t.Helper()
	r, err := relay.New(m, relay.Config{})
	require.NoError(t, err)
	return r
}

// A stream is pulled once for all who watch, and not longer; who comes again gets it again.
func TestPullOnDemand(t *testing.T) {
	var asked atomic.Int64
	from := newMedia(t, media.Config{PlayWait: -1, Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(context.Context, *hook.PlayEvent) error {
			asked.Add(1)
			return nil
		},
	}}})
	publishClip(t, from, doorKey)
	address := serveRTSP(t, from)
	for what, demand := range demands(t) {
		t.Run(what, func(t *testing.T) {
			m := newMedia(t, media.Config{NoneReaderDelay: 500 * time.Millisecond, PlayWait: -1})
			r := newRelay(t, m)
			demand(r, address)
			for range 2 {
				asked.Store(0)
				first, err := m.Play(t.Context(), media.PlayRequest{Stream: doorKey, Schema: "rtmp"})
				require.NoError(t, err)
				done := make(chan error, 2)
				for range 2 {
					go func() { done <- readSome(t, m, doorKey, make(chan *media.Packet, 1000), 3) }()
				}
				require.NoError(t, <-done)
				require.NoError(t, <-done)
				require.Equal(t, int64(1), asked.Load())
				first.Close(nil)
				require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond, "nobody watches any more")
				_, live := m.Stream(doorKey)
				require.False(t, live)
			}
			_, err := m.Play(t.Context(), media.PlayRequest{Stream: liveKey, Schema: "rtmp"})
			require.ErrorIs(t, err, media.ErrStreamNotFound)
		})
	}
}

// Viewers who come at the same moment wait for one pull, and hear of its failure long before PlayWait is over.
func TestPullFails(t *testing.T) {
	from := newMedia(t, media.Config{PlayWait: -1})
	address := serveRTSP(t, from)
	closed := listen(t)
	require.NoError(t, closed.Close())
	for what, address := range map[string]string{"no such stream": address, "no server": closed.Addr().String()} {
		for how, demand := range demands(t) {
			t.Run(what+", "+how, func(t *testing.T) {
				m := newMedia(t, media.Config{PlayWait: time.Hour, HookTimeout: time.Hour})
				r := newRelay(t, m)
				demand(r, address)
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				failed := make(chan error, 2)
				for range cap(failed) {
					go func() {
						_, err := m.Play(ctx, media.PlayRequest{Stream: doorKey, Schema: "rtmp"})
						failed <- err
					}()
				}
				for range cap(failed) {
					require.ErrorIs(t, <-failed, media.ErrStreamNotFound)
				}
				require.Empty(t, r.Pulls())
			})
		}
	}
}

// Who waits for a pull that hangs may leave, and one pull hangs for all.
func TestPullHangs(t *testing.T) {
	silent := listen(t)
	defer silent.Close()
	dialed := make(chan net.Conn, 10)
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				close(dialed)
				return
			}
			dialed <- conn
		}
	}()
	m := newMedia(t, media.Config{PlayWait: time.Hour, HookTimeout: time.Hour})
	pullOnDemand(newRelay(t, m), map[string]string{"door": "rtsp://" + silent.Addr().String() + "/x"})
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 2)
	for range cap(left) {
		go func() {
			_, err := m.Play(ctx, media.PlayRequest{Stream: doorKey, Schema: "rtmp"})
			left <- err
		}()
	}
	conn := <-dialed
	leave()
	for range cap(left) {
		require.ErrorIs(t, <-left, context.Canceled)
	}
	require.NoError(t, m.Shutdown(t.Context())) // who has left may still ask
	require.NoError(t, conn.Close())
	require.NoError(t, silent.Close())
	_, again := <-dialed
	require.False(t, again)
}
