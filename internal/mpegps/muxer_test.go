package mpegps

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// What the muxer makes is taken apart to what it was made of.
func TestRoundTrip(t *testing.T) {
	for name, flv := range map[string][]byte{
		"H264": testmedia.H264(), "B-frames": testmedia.H264B(), "demo": testmedia.Demo(),
	} {
		t.Run(name, func(t *testing.T) {
			tracks, packets := reel.Load(t, flv)
			got := demux(t, mux(t, tracks, packets), 1)
			require.Len(t, got.tracks, len(tracks))
			samePackets(t, onlyOf(packets, true), got.of(true))
			samePackets(t, onlyOf(packets, false), got.of(false))
			for i, want := range tracks {
				require.Equal(t, want.Codec, got.tracks[i].Codec)
				require.Equal(t, want.Width, got.tracks[i].Width)
				require.Equal(t, want.SampleRate, got.tracks[i].SampleRate)
				require.Equal(t, want.Channels, got.tracks[i].Channels)
			}
		})
	}
}

func TestRoundTripOfSound(t *testing.T) {
	for _, codec := range []media.Codec{media.MP3, media.Opus, media.G711A, media.G711U} {
		t.Run(codec.String(), func(t *testing.T) {
			clip := reel.Encode(t, codec)
			got := demux(t, mux(t, []*media.Track{clip.Track}, clip.Packets), 2)
			samePackets(t, clip.Packets, got.packets)
			require.Equal(t, codec, got.tracks[0].Codec)
			require.Equal(t, clip.Track.SampleRate, got.tracks[0].SampleRate)
			require.Equal(t, clip.Track.Channels, got.tracks[0].Channels)
		})
	}
}

func BenchmarkMuxer(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	m, err := NewMuxer(tracks)
	require.NoError(b, err)
	var buf []byte
	size := 0
	for _, p := range packets {
		size += len(p.Data)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range packets {
			buf, _ = m.Append(buf[:0], p)
		}
	}
}

func BenchmarkDemuxer(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	ps := mux(b, tracks, packets)
	b.SetBytes(int64(len(ps)))
	b.ReportAllocs()
	for b.Loop() {
		d := NewDemuxer(&collected{}, func(error) {})
		for rest := ps; len(rest) > 0; rest = rest[min(1400, len(rest)):] {
			_, _ = d.Write(rest[:min(1400, len(rest))])
		}
	}
}
