package media_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
)

func TestBadTracksAreRefused(t *testing.T) {
	pub := publish(t, newServer(t, media.Config{}))
	twin := *video
	stream := media.Track{ID: 5, Codec: media.H265, Config: []byte{0, 0, 0, 1, 0x40, 1}}
	for name, tracks := range map[string][]*media.Track{
		"none": {}, "nil": {video, nil}, "twins": {video, audio, &twin}, "a byte stream": {video, &stream},
	} {
		require.ErrorIs(t, pub.SetTracks(tracks...), media.ErrBadTracks, name)
	}
	require.NoError(t, pub.SetTracks(video, audio))
	again := *video
	again.Config = stream.Config
	require.ErrorIs(t, pub.WritePacket(&media.Packet{Track: &again, Key: true, Data: []byte{0, 0, 0, 1, 0x65}}), media.ErrBadTracks)
	require.ErrorIs(t, pub.WritePacket(&media.Packet{Track: &media.Track{ID: 99}, Data: []byte{1}}), media.ErrUnknownTrack)
}

// Whoever gives pictures as files have them is told, once.
func TestBrokenUnitsAreLogged(t *testing.T) {
	var log testlog.Buffer
	pub := publish(t, newServer(t, media.Config{Logger: log.Logger()}), video, audio)
	write := func(track *media.Track, key bool, data ...byte) {
		require.NoError(t, pub.WritePacket(&media.Packet{Track: track, Key: key, Data: data}))
	}
	write(video, true, 0, 0, 0, 1, 9, 0, 0, 0, 2, 0x65, 1)
	write(video, true, 0, 0, 0, 0)
	write(audio, false, 0, 0, 1)
	require.NotContains(t, log.String(), "NAL units")
	write(video, true, 0, 0, 0, 1, 0x67, 1, 0, 0, 0, 1, 0x65)
	write(video, true, 0, 0, 0, 2, 0x65)
	write(video, true, 0, 0, 1)
	require.Equal(t, 1, strings.Count(log.String(), "NAL units"))
	require.Contains(t, log.String(), "codec=H264 startCode=true")
}

func TestConfigNamesAllThatIsWrong(t *testing.T) {
	_, err := media.New(media.Config{LogBytes: -1, MaxConnections: -1, MergeWrite: time.Minute, Options: hook.StreamOptions{ModifyStamp: new(7)}})
	for _, name := range []string{"LogBytes", "MaxConnections", "MergeWrite", "ModifyStamp"} {
		require.ErrorContains(t, err, name)
	}
	require.NotContains(t, err.Error(), "HookTimeout")
}

func TestNilTapAndOpener(t *testing.T) {
	m := newServer(t, media.Config{PlayWait: -1})
	m.Tap(nil, nil)()
	m.Open(nil)()
	publish(t, m, video)
	_, err := m.Play(t.Context(), media.PlayRequest{Stream: media.StreamKey{App: "live", Name: "absent"}})
	require.ErrorIs(t, err, media.ErrStreamNotFound)
}

// A film does not hold up the end of the server: what was read of it goes out, and that is its end.
func TestShutdownEndsSources(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &film{pictures: 150000}
		m, p := show(t, f)
		w := watch(t, p)
		w.run()
		time.Sleep(10 * time.Second)
		synctest.Wait() // a picture is due now
		begun := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		require.NoError(t, m.Shutdown(ctx))
		require.Less(t, time.Since(begun), time.Second)
		require.EqualValues(t, 1, f.closed.Load())
		require.Equal(t, 11*time.Second, w.seen())
	})
}

// Muxers learn how long a source is as publishers tell it.
func TestSourceTellsItsLength(t *testing.T) {
	m, p := show(t, &film{pictures: 25})
	defer m.Close()
	require.Equal(t, map[string]any{"duration": 1.0}, p.Stream().Description().Metadata)
}
