package mpegps

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// Whatever comes, however it is cut and with losses anywhere, what is made of it is in order, and little is kept.
func FuzzDemuxer(f *testing.F) {
	tracks, packets := reel.Load(f, testmedia.H264())
	ps := mux(f, tracks, packets)
	f.Add(ps[:9000], uint64(1))
	f.Add(append(bytes.Clone(ps[:3000]), ps[9000:16000]...), uint64(2))
	f.Add([]byte{0, 0, 1, 0xba, 0x21, 0, 1, 0, 1, 0x80, 0, 1, 0, 0, 1, 0xc0, 0, 8, 0xff, 0xff, 0x40, 1, 0x0f, 0xd5, 0xd5, 0xd5}, uint64(3))
	f.Add([]byte{0, 0, 1, 0xbc, 0, 18, 0xe1, 0xff, 0, 0, 0, 8, 0x1b, 0xe0, 0, 0, 0x90, 0xc0, 0, 0, 1, 2, 3, 4, 0, 0, 1, 0xe0, 0, 0, 0x80, 0, 0}, uint64(4))
	f.Fuzz(func(t *testing.T, ps []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 5))
		c := &collected{}
		d := NewDemuxer(c, func(error) {})
		Begins(ps)
		for at := time.Duration(0); len(ps) > 0; at += time.Duration(random.IntN(3)) * 20 * time.Millisecond {
			n := min(1+random.IntN(1500), len(ps))
			if seed%2 == 0 {
				d.At(at)
			}
			switch random.IntN(40) {
			case 0:
				d.Lose()
			case 1:
				require.NoError(t, d.Break())
			}
			if _, err := d.Write(ps[:n]); err != nil {
				require.ErrorIs(t, err, ErrNoStream)
				return
			}
			ps = ps[n:]
		}
		require.NoError(t, d.Close())
		require.LessOrEqual(t, d.taken(), maxStreams)
		require.LessOrEqual(t, cap(d.partial), 2*maxScratch)
		for _, p := range c.packets {
			require.NotNil(t, p.Track)
			require.NotEmpty(t, p.Data)
		}
	})
}

// Whatever is in packets becomes a program stream from which the same comes, or nothing.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{0x65, 0x88, 1}, true, int64(0), uint8(0))
	f.Add(bytes.Repeat([]byte{1}, 300), false, int64(time.Hour), uint8(2))
	f.Add(bytes.Repeat([]byte{0xd5}, 160), false, int64(time.Hour), uint8(5))
	tracks := []*media.Track{
		{ID: 0, Codec: media.H264, Config: []byte{1, 66, 0, 30, 0xff, 0xe1, 0, 4, 0x67, 66, 0, 30, 1, 0, 2, 0x68, 1}},
		{ID: 1, Codec: media.H265},
		{ID: 2, Codec: media.AAC, Config: []byte{0x12, 0x10}},
		{ID: 3, Codec: media.Opus, Channels: 2},
		{ID: 4, Codec: media.MP3},
		{ID: 5, Codec: media.G711A},
	}
	f.Fuzz(func(t *testing.T, data []byte, key bool, at int64, which uint8) {
		track := tracks[int(which)%len(tracks)]
		if track.Codec.Video() {
			data = append([]byte{byte(len(data) >> 24), byte(len(data) >> 16), byte(len(data) >> 8), byte(len(data))}, data...)
		}
		m, err := NewMuxer(tracks)
		require.NoError(t, err)
		var ps []byte
		for i := range 3 {
			when := time.Duration(at) + time.Duration(i)*time.Duration(which)*time.Millisecond
			ps, err = m.Append(ps, &media.Packet{Track: track, Key: key, DTS: when, PTS: when, Data: data})
			require.NoError(t, err)
		}
		require.True(t, len(ps) == 0 || Begins(ps))
		c := &collected{}
		d := NewDemuxer(c, func(error) {})
		_, err = d.Write(ps)
		require.NoError(t, err)
		require.NoError(t, d.Close())
		if track.Codec != media.G711A && (track.Codec != media.AAC || len(data) > 8184) || len(data) == 0 || len(data) > 64<<10 {
			return // it is made of any bytes, and these codecs are not
		}
		require.Len(t, c.packets, 3)
		for _, p := range c.packets {
			require.Equal(t, data, p.Data)
		}
	})
}
