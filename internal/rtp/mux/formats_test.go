package mux

import (
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func layoutOf(channels ...int16) Layout {
	l := NoTracks()
	copy(l.Channels[:], channels)
	return l
}

var (
	alaw = &media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}
	opus = &media.Track{ID: 1, Codec: media.Opus, ClockRate: 48000, SampleRate: 48000, Channels: 2}
)

// A format ends with its last user, and only odd layouts can be too many.
func TestFormatsEnd(t *testing.T) {
	f := NewFormats(Config{})
	tracks := []*media.Track{alaw}
	first := f.Use(layoutOf(10), tracks)
	require.Same(t, first, f.Use(layoutOf(10), tracks))
	require.NotSame(t, first, f.Use(layoutOf(10), []*media.Track{opus}), "its players were told other things")
	odd := []*Use{}
	for i := range int16(maxOdd - 2) {
		odd = append(odd, f.Use(layoutOf(12+2*i), tracks))
		require.NotNil(t, odd[i])
	}
	require.True(t, f.Full())
	require.Nil(t, f.Use(layoutOf(200), tracks))
	require.NotNil(t, f.Use(layoutOf(10), tracks), "it is there")
	datagrams := layoutOf(0, 2)
	datagrams.Datagrams = true
	usual := []*Use{}
	for _, l := range []Layout{layoutOf(0), layoutOf(0, 2), layoutOf(-1, 2), layoutOf(-1, 0), layoutOf(0, -1, 2), datagrams} {
		usual = append(usual, f.Use(l, tracks))
		require.NotNil(t, usual[len(usual)-1])
	}
	for _, u := range append(usual, odd...) {
		f.Release(u)
	}
	require.False(t, f.Full())
	require.Equal(t, 2, f.list.Len())
	f.Release(first)
	f.Release(first)
	require.Equal(t, 2, f.list.Len(), "it has a user")
	f.Release(first)
	require.Equal(t, 1, f.list.Len())
	require.Equal(t, 1, f.odd)
	f.Release(nil)
}

// A muxer ends when its players would have to be told anew; with new parameter sets, or less than there was, it goes on.
func TestMuxerEndsWithItsTerms(t *testing.T) {
	video := &media.Track{ID: 2, Codec: media.H264, ClockRate: 90000}
	sets := *video
	sets.Width = 64
	aac := &media.Track{ID: 1, Codec: media.AAC, ClockRate: 44100, SampleRate: 44100, Channels: 2, Config: []byte{0x12, 0x10}}
	mono := &media.Track{ID: 1, Codec: media.AAC, ClockRate: 44100, SampleRate: 44100, Channels: 1, Config: []byte{0x12, 0x08}}
	for name, c := range map[string]struct {
		before, after []*media.Track
		want          error
	}{
		"same":            {[]*media.Track{alaw, video}, []*media.Track{alaw, video}, nil},
		"parameter sets":  {[]*media.Track{alaw, video}, []*media.Track{alaw, &sets}, nil},
		"one less":        {[]*media.Track{alaw, video}, []*media.Track{alaw}, nil},
		"another codec":   {[]*media.Track{alaw, video}, []*media.Track{opus, video}, io.EOF},
		"another order":   {[]*media.Track{alaw, video}, []*media.Track{video, alaw}, io.EOF},
		"other channels":  {[]*media.Track{aac}, []*media.Track{mono}, io.EOF},
		"what is not set": {[]*media.Track{alaw, video, aac}, []*media.Track{alaw, video, opus}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			m := NewFormats(Config{}).Use(layoutOf(0, 2), c.before).Format.New()
			_, err := m.AppendHeader(nil, &media.Description{Tracks: c.before})
			require.NoError(t, err)
			_, err = m.AppendHeader(nil, &media.Description{Tracks: c.after})
			require.ErrorIs(t, err, c.want)
		})
	}
}

// What is left of a stream from before a change does not go to players that were told of the tracks after it.
func TestPacketsOfBeforeAreLeftOut(t *testing.T) {
	m := NewFormats(Config{}).Use(layoutOf(0), []*media.Track{opus}).Format.New()
	_, err := m.AppendHeader(nil, &media.Description{Tracks: []*media.Track{opus}})
	require.NoError(t, err)
	out, err := m.AppendPacket(nil, &media.Packet{Track: alaw, Data: make([]byte, 160)})
	require.NoError(t, err)
	require.Empty(t, out)
	out, err = m.AppendPacket(nil, &media.Packet{Track: opus, DTS: time.Second, PTS: time.Second, Data: []byte{0x78, 1, 2, 3}})
	require.NoError(t, err)
	require.NotEmpty(t, out)
}
