package mpegps

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// collected is what a demuxer has made.
type collected struct {
	tracks  []*media.Track
	told    int // how often of tracks
	packets []*media.Packet
}

func (c *collected) SetTracks(tracks ...*media.Track) error {
	c.tracks = tracks
	c.told++
	return nil
}

func (c *collected) WritePacket(p *media.Packet) error {
	if !slices.ContainsFunc(c.tracks, func(t *media.Track) bool { return t.ID == p.Track.ID && t.Codec == p.Track.Codec }) {
		return errors.New("a packet of a track that nobody has told of")
	}
	c.packets = append(c.packets, p)
	return nil
}

// of returns the packets of one kind.
func (c *collected) of(video bool) []*media.Packet { return onlyOf(c.packets, video) }

func onlyOf(packets []*media.Packet, video bool) (list []*media.Packet) {
	for _, p := range packets {
		if p.Track.Codec.Video() == video {
			list = append(list, p)
		}
	}
	return list
}

// mux makes a program stream.
func mux(t testing.TB, tracks []*media.Track, packets []*media.Packet) (b []byte) {
	t.Helper()
	m, err := NewMuxer(tracks)
	require.NoError(t, err)
	for _, p := range packets {
		b, err = m.Append(b, p)
		require.NoError(t, err)
	}
	return b
}

// demux takes a program stream apart, which comes in pieces of any size.
func demux(t testing.TB, ps []byte, seed uint64) *collected {
	t.Helper()
	c := &collected{}
	d := NewDemuxer(c, func(err error) { t.Error(err) })
	random := rand.New(rand.NewPCG(seed, 1))
	for len(ps) > 0 {
		n := min(1+random.IntN(1000), len(ps))
		_, err := d.Write(ps[:n])
		require.NoError(t, err)
		ps = ps[n:]
	}
	require.NoError(t, d.Close())
	require.EqualValues(t, len(c.packets), d.Packets())
	return c
}

// samePackets compares packets with those that they were made of, whose stamps may be other ones by one difference.
func samePackets(t testing.TB, want, got []*media.Packet) {
	t.Helper()
	require.Len(t, got, len(want))
	if len(want) == 0 {
		return
	}
	diff := got[0].DTS - want[0].DTS
	for i := range want {
		require.Equal(t, plain(want[i]), plain(got[i]), i)
		require.Equal(t, want[i].Key, got[i].Key, i)
		require.InDelta(t, want[i].DTS+diff, got[i].DTS, float64(time.Millisecond), i)
		require.InDelta(t, want[i].PTS+diff, got[i].PTS, float64(time.Millisecond), i)
	}
}

// plain is what of a packet is to come through: no delimiters, and no parameter sets but in the track.
func plain(p *media.Packet) []byte {
	if p.Track.Codec != media.H264 && p.Track.Codec != media.H265 {
		return p.Data
	}
	var b []byte
	sets := h26x.NewSetList(p.Track)
	for u := range h26x.Units(p.Data) {
		taken, _ := sets.Take(u)
		if !taken && !h26x.Idle(p.Track.Codec, h26x.UnitType(p.Track.Codec, u[0])) {
			b = append(append(b, 0, 0, 1), u...)
		}
	}
	return b
}
