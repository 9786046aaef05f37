package media

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
)

// A publisher that names its tracks anew each time leaves nothing of the old ones.
func TestTracksThatGoAreForgotten(t *testing.T) {
	pub, _ := admitted(t)
	st := pub.Stream()
	for i := range 100 {
		track := &Track{ID: i, Codec: H264}
		require.NoError(t, pub.SetTracks(track))
		at := time.Duration(i) * 40 * ms
		require.NoError(t, pub.WritePacket(&Packet{Track: track, DTS: at, PTS: at, Data: []byte("x")}))
	}
	require.Len(t, st.timeline.tracks, 1)
	require.Len(t, st.counters.tracks, 1)
	require.Zero(t, st.Stats().Jumps)
}

// Sessions, streams and players that have gone leave nothing in the server.
func TestServerShrinks(t *testing.T) {
	s, err := New(Config{PlayWait: ms, Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}})
	require.NoError(t, err)
	defer s.Close()
	for i := range 50 {
		key := StreamKey{App: "live", Name: fmt.Sprint(i)}
		pub, err := s.Publish(t.Context(), PublishRequest{Stream: key})
		require.NoError(t, err)
		require.NoError(t, pub.SetTracks(videoTrack))
		p, err := s.Play(t.Context(), PlayRequest{Stream: key, Schema: key.Name})
		require.NoError(t, err)
		p.Close(nil)
		require.Empty(t, pub.Stream().readers)
		pub.Close(context.Canceled)
		_, err = s.Play(t.Context(), PlayRequest{Stream: key})
		require.ErrorIs(t, err, ErrStreamNotFound)
		s.Tap(nil, TapFunc(func(context.Context, *Stream) error { return nil }))()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Zero(t, s.streams.Len())
	require.Zero(t, s.sessions.Len())
	require.Zero(t, s.arrivals.Len())
	require.Empty(t, s.taps)
}

// The events that wait are bounded, for each stream and in all, and gone when they are told.
func TestEventsAreBounded(t *testing.T) {
	a := &asker{log: slog.New(slog.DiscardHandler)}
	a.timeout.Store(int64(time.Hour))
	d := &dispatcher{asker: a, log: a.log, base: context.Background()}
	release := make(chan struct{})
	tell := func(context.Context) { <-release }
	require.False(t, d.lags(StreamKey{}))
	for range 3 * maxEvents {
		d.post(StreamKey{}, "test", tell)
	}
	require.True(t, d.lags(StreamKey{}))
	require.False(t, d.lags(StreamKey{Name: "another"}))
	d.mu.Lock()
	require.LessOrEqual(t, len(d.queues.Get(StreamKey{}).events), maxEvents)
	require.GreaterOrEqual(t, d.dropped, uint64(2*maxEvents-1))
	d.mu.Unlock()
	for i := range 2 * maxQueues {
		d.post(StreamKey{Name: fmt.Sprint(i)}, "test", tell)
	}
	d.mu.Lock()
	require.Equal(t, maxQueues, d.queues.Len())
	d.mu.Unlock()
	require.True(t, d.lags(StreamKey{Name: "another"}), "there is no place for it")
	require.False(t, d.lags(StreamKey{Name: "0"}))
	close(release)
	d.end()
	require.Zero(t, d.queues.Len())
	require.False(t, d.lags(StreamKey{}))
	d.post(StreamKey{}, "test", func(context.Context) { t.Error("told after the end") })
	d.running.Wait()
}
