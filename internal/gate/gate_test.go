package gate

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// sink notes what it gets.
type sink struct {
	tracks  []*media.Track
	packets []*media.Packet
}

func (s *sink) SetTracks(tracks ...*media.Track) error {
	s.tracks = tracks
	return nil
}

func (s *sink) WritePacket(p *media.Packet) error {
	s.packets = append(s.packets, p)
	return nil
}

// A track that is gone, or has another codec, when the gate opens has no packets behind it.
func TestTracksThatAreNoMore(t *testing.T) {
	gone := &media.Track{ID: 1, Codec: media.G711A}
	was, is := &media.Track{ID: 2, Codec: media.H264}, &media.Track{ID: 2, Codec: media.H265}
	tracks := []*media.Track{gone, was}
	s := &sink{}
	g := New(s, func() []*media.Track { return tracks })
	for i, track := range []*media.Track{gone, was, gone, is, is} {
		require.NoError(t, g.Packet(&media.Packet{Track: track, DTS: time.Duration(i) * time.Millisecond}))
	}
	tracks = []*media.Track{is}
	require.NoError(t, g.Changed(true, true))
	require.Equal(t, tracks, s.tracks)
	require.Len(t, s.packets, 2)
	for _, p := range s.packets {
		require.Same(t, is, p.Track)
	}
}
