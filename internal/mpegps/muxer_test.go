package mpegps

import (
	"bytes"
	"slices"
	"testing"
	"time"

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

// Pictures that are too large for a PES packet, and tracks of one kind, come through.
func TestRoundTripOfMuch(t *testing.T) {
	large := scenes(t)["large"]
	got := demux(t, mux(t, large.tracks, large.packets), 3)
	samePackets(t, onlyOf(large.packets, true), got.of(true))
	samePackets(t, onlyOf(large.packets, false), got.of(false))

	var tracks []*media.Track
	var packets []*media.Packet
	for i, codec := range []media.Codec{media.G711A, media.G711U, media.G711A} {
		for _, p := range talk(time.Second, codec) {
			q, track := *p, *p.Track
			track.ID = i
			q.Track, q.DTS, q.PTS = &track, p.DTS+time.Duration(i)*time.Millisecond, p.PTS+time.Duration(i)*time.Millisecond
			if len(tracks) == i {
				tracks = append(tracks, &track)
			}
			packets = append(packets, &q)
		}
	}
	got = demux(t, mux(t, tracks, packets), 4)
	require.Len(t, got.tracks, 3)
	for i, track := range tracks {
		of := func(list []*media.Packet, id int) []*media.Packet {
			return slices.DeleteFunc(slices.Clone(list), func(p *media.Packet) bool { return p.Track.ID != id })
		}
		require.Equal(t, track.Codec, got.tracks[i].Codec)
		samePackets(t, of(packets, i), of(got.packets, firstSound+i))
	}
}

// System header and map stand in front of each key picture or, without pictures, twice a second.
func TestHeadersAreRepeated(t *testing.T) {
	_, packets := reel.Load(t, testmedia.H264())
	for _, video := range []bool{true, false} {
		tracks, list := onlyTrack(packets, video)
		m, err := NewMuxer(tracks)
		require.NoError(t, err)
		last := time.Duration(0)
		for i, p := range list {
			b, err := m.Append(nil, p)
			require.NoError(t, err)
			has := bytes.Contains(b, m.headers)
			if has {
				last = p.DTS
			}
			require.True(t, i > 0 || has)
			require.True(t, !video || has == p.Key)
			require.True(t, video || p.DTS-last < headersEvery)
		}
	}
}

// A track that has other parameter sets, or another codec, is described anew.
func TestTrackChanges(t *testing.T) {
	all := scenes(t)
	first, second := onlyOf(all["H264"].packets, true), onlyOf(all["H265"].packets, true)
	var packets []*media.Packet
	track := *second[0].Track
	track.ID = first[0].Track.ID
	packets = append(packets, first...)
	for _, p := range second {
		q := *p
		q.Track, q.DTS, q.PTS = &track, q.DTS+10*time.Second, q.PTS+10*time.Second
		packets = append(packets, &q)
	}
	got := demux(t, mux(t, []*media.Track{first[0].Track}, packets), 5)
	require.Equal(t, media.H265, got.tracks[0].Codec)
	samePackets(t, packets, got.packets)
}

func TestMuxerAllocatesNothing(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	m, err := NewMuxer(tracks)
	require.NoError(t, err)
	buf := make([]byte, 0, 1<<20)
	require.Zero(t, testing.AllocsPerRun(3, func() {
		for _, p := range packets {
			buf, _ = m.Append(buf[:0], p)
		}
	}))
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
