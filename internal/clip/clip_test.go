package clip_test

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

func TestClipPlaysInRealTime(t *testing.T) {
	for name, file := range map[string][]byte{"h264": testmedia.H264(), "h264b": testmedia.H264B(), "demo": testmedia.Demo()} {
		c, err := clip.Load(bytes.NewReader(file))
		require.NoError(t, err, name)
		require.Greater(t, c.Packets(), 300, name)
	}
	c, err := clip.Load(bytes.NewReader(testmedia.H264B()))
	require.NoError(t, err)
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "a", Name: "b"}})
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, c.Play(ctx, pub), context.DeadlineExceeded)
	tracks, err := pub.Stream().Tracks(t.Context())
	require.NoError(t, err)
	require.Len(t, tracks, 2)
	require.Equal(t, 320, tracks[0].Width)
	require.Equal(t, 44100, tracks[1].SampleRate)
	require.NotZero(t, pub.Stream().Stats().Tracks[0].Frames)
}

func TestLoadRefusesWhatIsNoFLV(t *testing.T) {
	for _, b := range []string{"", "FLV\x01\x05\x00\x00\x00\x09\x00\x00\x00\x00", "no FLV at all, but long enough"} {
		_, err := clip.Load(bytes.NewReader([]byte(b)))
		require.Error(t, err)
	}
}

// At the seam of two rounds, each track of the demonstration goes on as within one.
func TestDemoRepeatsWithoutGap(t *testing.T) {
	c, err := clip.Load(bytes.NewReader(testmedia.Demo()))
	require.NoError(t, err)
	src := c.Source()
	first, last, count := map[media.Codec]time.Duration{}, map[media.Codec]time.Duration{}, map[media.Codec]time.Duration{}
	for {
		p, err := src.ReadPacket(t.Context())
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		codec := p.Track.Codec
		if count[codec] == 0 {
			first[codec] = p.DTS
		}
		last[codec] = p.DTS
		count[codec]++
	}
	require.Len(t, count, 2)
	for codec, n := range count {
		usual := (last[codec] - first[codec]) / (n - 1)
		require.InDelta(t, usual, src.Duration()-(last[codec]-first[codec]), float64(time.Millisecond), "%v", codec)
	}
}
