package media_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// The players of a stream are listed while they play, whoever leaves first, and what they got stays counted.
func TestPlayers(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "a"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC}))
	st := pub.Stream()
	require.Empty(t, st.Players())

	var players []*media.Player
	for range 4 {
		x := m.NewSession(hook.Session{Protocol: "rtmp"}, nil)
		defer x.Close()
		x.Sent(1000) // before it plays
		p, err := m.Play(t.Context(), media.PlayRequest{Stream: st.Key(), Session: x, Schema: "rtmp"})
		require.NoError(t, err)
		players = append(players, p)
	}
	for i, leaver := range []int{2, 0, 3, 1} {
		require.ElementsMatch(t, keep(players), st.Players())
		players[leaver].Sent(1 << i)
		players[leaver].Close(nil)
		players[leaver].Close(nil)
		require.Equal(t, uint64(1<<(i+1)-1), st.Traffic().Sent, "after %d", i)
		players[leaver].Sent(100) // the session plays no more
		require.Equal(t, uint64(1<<(i+1)-1), st.Traffic().Sent)
		players[leaver] = nil
	}
	require.Empty(t, st.Players())
	require.NoError(t, pub.WritePacket(&media.Packet{Track: st.Description().Tracks[0], Data: []byte("1234567")}))
	pub.Session().SetLost(3)
	require.Equal(t, media.Traffic{Received: 7, Sent: 15, Lost: 3}, st.Traffic())
}

// keep leaves out what is nil.
func keep(players []*media.Player) []*media.Player {
	var list []*media.Player
	for _, p := range players {
		if p != nil {
			list = append(list, p)
		}
	}
	return list
}

// What a stream has sent never shrinks while players come and go.
func TestTrafficGrows(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "a"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC}))
	st := pub.Stream()
	const players, rounds = 4, 300
	var coming sync.WaitGroup
	for range players {
		coming.Go(func() {
			for range rounds {
				p, err := m.Play(t.Context(), media.PlayRequest{Stream: st.Key(), Schema: "rtmp"})
				if err != nil {
					t.Error(err)
					return
				}
				p.Sent(1)
				p.Close(nil)
			}
		})
	}
	done := make(chan struct{})
	go func() { coming.Wait(); close(done) }()
	last := uint64(0)
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
		}
		now := st.Traffic().Sent
		require.GreaterOrEqual(t, now, last)
		last = now
	}
	require.Equal(t, uint64(players*rounds), last)
	require.NoError(t, m.Err())
	require.NoError(t, m.Shutdown(t.Context()))
	require.ErrorIs(t, m.Err(), media.ErrServerClosed)
}
