package media

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

type plainMuxer struct{}

func (plainMuxer) AppendHeader(dst []byte, _ *Description) ([]byte, error) { return dst, nil }
func (plainMuxer) AppendChange(dst []byte, _ *Description) ([]byte, error) { return dst, nil }
func (plainMuxer) AppendPacket(dst []byte, p *Packet) ([]byte, error) {
	return append(dst, p.Data...), nil
}

// admitted returns a server with a stream, and a player of it.
func admitted(t *testing.T) (*Publisher, *Player) {
	t.Helper()
	s, err := New(Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	key := StreamKey{App: "live", Name: "test"}
	pub, err := s.Publish(context.Background(), PublishRequest{Stream: key})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(videoTrack))
	p, err := s.Play(context.Background(), PlayRequest{Stream: key})
	require.NoError(t, err)
	return pub, p
}

func (p *Player) holds() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}

// A player that opens one reader after another holds only what is open.
func TestPlayerForgetsWhatHasEnded(t *testing.T) {
	pub, p := admitted(t)
	f := &Format{Name: "plain", New: func() Muxer { return plainMuxer{} }}
	for range 100 {
		a, b, c := p.Read(), p.ReadFormat(f), p.Read()
		require.Equal(t, 3, p.holds())
		b.Close()
		a.Close()
		b.Close()
		require.Equal(t, 1, p.holds())
		c.Close()
		require.Zero(t, p.holds())
	}
	server, client := net.Pipe()
	feed, err := p.Feed(server, f, FeedOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, p.holds())
	feed.Close()
	require.Zero(t, p.holds())
	feed, err = p.Feed(server, f, FeedOptions{Prelude: []byte("hello")})
	require.NoError(t, err)
	require.NoError(t, client.Close())
	require.NoError(t, pub.WritePacket(&Packet{Track: videoTrack, Key: true, Data: []byte("x")}))
	require.Eventually(t, func() bool { return p.holds() == 0 }, 20*time.Second, time.Millisecond, "a feed that ends by itself")
	feed.Close()
	p.Close(nil)
	require.Zero(t, p.holds())
	require.Empty(t, p.Stream().outputs)
	require.Empty(t, p.Stream().readers)
}
