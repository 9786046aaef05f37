package mp4

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// film is tracks and their packets.
type film struct {
	tracks  []*media.Track
	packets []*media.Packet
}

// films are clips of all codecs.
func films(t *testing.T) map[string]func(t *testing.T) film {
	list := map[string]func(t *testing.T) film{}
	for name, flv := range map[string][]byte{"H264": testmedia.H264(), "B-frames": testmedia.H264B(), "demo": testmedia.Demo()} {
		list[name] = func(t *testing.T) film {
			tracks, packets := reel.Load(t, flv)
			return film{tracks, packets}
		}
	}
	for _, codec := range []media.Codec{media.AV1, media.VP8, media.VP9, media.Opus, media.MP3, media.G711A, media.G711U} {
		list[codec.String()] = func(t *testing.T) film {
			clip := reel.Encode(t, codec)
			return film{[]*media.Track{clip.Track}, clip.Packets}
		}
	}
	list["H265"] = func(t *testing.T) film {
		_, data := encode(t, "a.mp4", strings.Fields("-c:v libx265 -preset ultrafast -x265-params log-level=none -g 25 -c:a aac")...)
		f := openFile(t, data)
		return film{f.Tracks(), readAll(t, f.Cursor())}
	}
	return list
}

// samePackets compares what was read with what was written. Stamps are exact to a unit of the tracks.
func samePackets(t testing.TB, want film, got []*media.Packet, within time.Duration) {
	t.Helper()
	read := byTrack(got)
	first := want.packets[0].DTS
	for _, p := range want.packets {
		first = min(first, p.DTS)
	}
	for i, track := range want.tracks {
		list := read[i]
		for _, w := range want.packets {
			if w.Track.ID != track.ID {
				continue
			}
			require.NotEmpty(t, list)
			p := list[0]
			list = list[1:]
			require.InDelta(t, w.DTS-first, p.DTS, float64(within))
			require.InDelta(t, w.PTS-first, p.PTS, float64(within))
			require.Equal(t, w.Key, p.Key)
			require.True(t, bytes.Equal(w.Data, p.Data))
		}
		require.Empty(t, list)
	}
}

// sameTracks compares what is told of tracks.
func sameTracks(t testing.TB, want, got []*media.Track) {
	t.Helper()
	require.Len(t, got, len(want))
	for i, w := range want {
		g := got[i]
		require.Equal(t, i+1, g.ID)
		require.Equal(t, w.Codec, g.Codec)
		if w.Config != nil {
			require.Equal(t, w.Config, g.Config)
		}
		require.Equal(t, w.ClockRate, g.ClockRate)
		require.Equal(t, []int{w.Width, w.Height, w.SampleRate, w.Channels}, []int{g.Width, g.Height, g.SampleRate, g.Channels})
		require.InDelta(t, w.FPS, g.FPS, 0.01)
	}
}

// What is read of a fragmented file, and of the ordinary one that it becomes, are the packets that were written. ffprobe sees
// the same in both, and finds no fault.
func TestRoundTrips(t *testing.T) {
	for name, load := range films(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := load(t)
			data := mux(t, want.tracks, want.packets).file
			f := openFile(t, data)
			require.True(t, f.Fragmented())
			require.Empty(t, f.Skipped())
			sameTracks(t, want.tracks, f.Tracks())
			list := readAll(t, f.Cursor())
			samePackets(t, want, list, time.Second/8000)

			done := finish(t, data, FinishOptions{})
			g := openFile(t, done)
			require.False(t, g.Fragmented())
			require.Equal(t, f.Tracks(), g.Tracks())
			require.Equal(t, f.Duration(), g.Duration())
			require.Equal(t, list, readAll(t, g.Cursor()))

			before, after := save(t, "before.mp4", data), save(t, "after.mp4", done)
			want1, want2 := probe(t, before), probe(t, after)
			require.Equal(t, want1, want2)
			sameAsProbed(t, want2, list)
			sameHashes(t, want.tracks, data, done)
		})
	}
}

// sameHashes compares what ffmpeg decodes of two files.
func sameHashes(t testing.TB, tracks []*media.Track, before, after []byte) {
	t.Helper()
	for _, track := range tracks {
		what := reel.Sound
		if track.Codec.Video() {
			what = reel.Pictures
		}
		require.True(t, slices.Equal(reel.Hashes(t, "a.mp4", what, before), reel.Hashes(t, "a.mp4", what, after)), what)
	}
}

// Fragmented files of ffmpeg are finished so that ffprobe sees the same.
func TestFinishOfFFmpegFiles(t *testing.T) {
	const h264, aac = "-c:v libx264 -preset ultrafast -bf 2 -g 25 ", "-c:a aac "
	for name, c := range map[string]struct{ file, options string }{
		"fragments":             {"a.mp4", h264 + aac + "-movflags frag_keyframe+empty_moov"},
		"fragments behind moov": {"a.mp4", h264 + aac + "-movflags frag_keyframe"},
		"fragments of pictures": {"a.mp4", h264 + aac + "-movflags frag_every_frame+empty_moov"},
		"delayed moov":          {"a.mp4", h264 + aac + "-movflags frag_keyframe+delay_moov"},
		"negative":              {"a.mp4", h264 + "-an -movflags +negative_cts_offsets+frag_keyframe+empty_moov"},
		"Opus":                  {"a.mp4", h264 + "-c:a libopus -movflags frag_keyframe+empty_moov"},
		"QuickTime":             {"a.mov", h264 + aac + "-movflags frag_keyframe+empty_moov"},
		"A-law":                 {"a.mov", h264 + "-c:a pcm_alaw -ar 8000 -movflags frag_keyframe+empty_moov"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path, data := encode(t, c.file, strings.Fields(c.options)...)
			done := finish(t, data, FinishOptions{})
			f, g := openFile(t, data), openFile(t, done)
			require.Equal(t, readAll(t, f.Cursor()), readAll(t, g.Cursor()))
			want, got := probe(t, path), probe(t, save(t, "after.mp4", done))
			if name == "negative" {
				sameAsProbed(t, got, readAll(t, g.Cursor()))
			} else {
				require.Equal(t, want, got)
			}
			heard := f.Tracks()
			if name == "delayed moov" || name == "fragments of pictures" {
				// ffmpeg plays the priming of AAC in fragments, which the edit list leaves out, and there discards some packets
				// behind a gap. Finished files it plays as they say.
				heard = heard[:1]
			}
			sameHashes(t, heard, data, done)
		})
	}
}

// shifted returns packets with those of a track moved.
func shifted(list []*media.Packet, track int, by time.Duration) (out []*media.Packet) {
	for _, p := range list {
		if p.Track.ID == track {
			p = &media.Packet{Track: p.Track, DTS: p.DTS + by, PTS: p.PTS + by, Key: p.Key, Data: p.Data}
		}
		out = append(out, p)
	}
	return out
}

// Where a track begins later than the other it does so in the finished file.
func TestTracksBeginApart(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	for _, late := range tracks {
		moved := film{tracks, shifted(packets, late.ID, 310*time.Millisecond)}
		first := moved.packets[0].DTS
		for _, p := range moved.packets {
			first = min(first, p.DTS)
		}
		for _, track := range tracks {
			moved.packets = shifted(moved.packets, track.ID, -first)
		}
		data := mux(t, tracks, moved.packets).file
		list := readAll(t, openFile(t, data).Cursor())
		samePackets(t, moved, list, time.Second/40000)
		done := finish(t, data, FinishOptions{})
		require.Equal(t, list, readAll(t, openFile(t, done).Cursor()))
		require.Equal(t, probe(t, save(t, "a.mp4", data)), probe(t, save(t, "b.mp4", done)))
	}
}

// A stream that had been on air for long begins at 0, and a gap in it stays one.
func TestGap(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	var list []*media.Packet
	for _, p := range packets {
		if p.DTS < 2*time.Second || p.DTS >= 4*time.Second {
			q := *p
			q.DTS += 50 * time.Hour
			q.PTS += 50 * time.Hour
			list = append(list, &q)
		}
	}
	want := film{tracks, list}
	data := mux(t, tracks, list).file
	got := readAll(t, openFile(t, data).Cursor())
	samePackets(t, want, got, time.Second/40000)
	samePackets(t, want, readAll(t, openFile(t, finish(t, data, FinishOptions{})).Cursor()), time.Second/40000)
}
