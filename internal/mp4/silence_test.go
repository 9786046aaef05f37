package mp4

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// withoutSound leaves out the sound from one time to another.
func withoutSound(packets []*media.Packet, from, to time.Duration) []*media.Packet {
	return slices.DeleteFunc(slices.Clone(packets), func(p *media.Packet) bool {
		return !p.Track.Codec.Video() && p.DTS >= from && p.DTS < to
	})
}

// Where sound is missing for long, segments have silence in its place, each for itself: at the beginning, in between, over whole segments and
// at the end. What there is stays where it is, and short gaps stay gaps.
func TestSilenceInSegments(t *testing.T) {
	tracks, all := reel.Load(t, testmedia.H264())
	opus := reel.Encode(t, media.Opus, "-t", "6")
	opus.Track.ID = 9
	var both []*media.Packet
	for _, p := range all {
		if p.Track.Codec.Video() {
			both = append(both, p)
		}
	}
	for _, p := range opus.Packets {
		p.Track = opus.Track
		both = append(both, p)
	}
	slices.SortStableFunc(both, func(a, b *media.Packet) int { return int(a.DTS - b.DTS) })
	for name, film := range map[string]film{
		"AAC":  {tracks, all},
		"Opus": {[]*media.Track{tracks[0], opus.Track}, both},
	} {
		for _, gap := range [][2]time.Duration{{0, 1500 * ms}, {1200 * ms, 1400 * ms}, {1200 * ms, 2400 * ms}, {1100 * ms, 4500 * ms}, {2 * time.Second, time.Minute}} {
			t.Run(fmt.Sprint(name, gap), func(t *testing.T) {
				t.Parallel()
				packets := withoutSound(film.packets, gap[0], gap[1])
				f := openFile(t, finish(t, mux(t, film.tracks, packets).file, FinishOptions{}))
				list := slices.Collect(f.Cut(f.Range(0, f.Duration()), least))
				require.Greater(t, len(list), 2)
				out := inSegments(t, f, list)
				g := openFile(t, out)
				want, got := byTrack(readAll(t, f.Cursor())), byTrack(readAll(t, g.Cursor()))
				require.Len(t, got[0], len(want[0]))
				silent, _ := f.tracks[1].entries[0].silence()
				require.NotEmpty(t, silent)
				sound := slices.DeleteFunc(slices.Clone(got[1]), func(p *media.Packet) bool { return bytes.Equal(p.Data, silent) })
				require.Len(t, sound, len(want[1]))
				for i, p := range sound {
					require.Equal(t, want[1][i].Data, p.Data)
					require.InDelta(t, want[1][i].DTS, p.DTS, float64(time.Millisecond))
				}
				if gap[1]-gap[0] < longSilence {
					require.Len(t, got[1], len(want[1]))
					return
				}
				for i := range got[1][1:] {
					require.InDelta(t, 30*ms, got[1][i+1].DTS-got[1][i].DTS, float64(20*ms), "at %v", got[1][i].DTS)
				}
				require.Less(t, got[1][0].DTS, 100*ms)
				last := got[1][len(got[1])-1]
				require.Greater(t, last.DTS, min(f.Duration(), got[0][len(got[0])-1].DTS)-longSilence)
				reel.Hashes(t, "a.mp4", reel.Sound, out) // ffmpeg has nothing to complain of
			})
		}
	}
}

// Sound that goes on behind a gap at the end of the pictures stays where it is, and one that is far away is not led to.
func TestSilenceBehindPictures(t *testing.T) {
	tracks, all := reel.Load(t, testmedia.H264())
	for _, far := range []time.Duration{2 * time.Second, 100 * time.Hour} {
		last := *all[len(all)-1]
		for _, p := range all {
			if !p.Track.Codec.Video() {
				last = *p
			}
		}
		last.DTS += far
		last.PTS = last.DTS
		packets := append(slices.Clone(all), &last)
		if far > time.Minute { // nor to many that are not
			for i := range 50 {
				next := last
				next.DTS += time.Duration(i+1) * 50 * time.Second
				next.PTS = next.DTS
				packets = append(packets, &next)
			}
		}
		f := openFile(t, finish(t, mux(t, tracks, packets).file, FinishOptions{}))
		list := slices.Collect(f.Cut(f.Range(0, f.Duration()), least))
		out := inSegments(t, f, list)
		size := 0
		for _, p := range packets {
			size += len(p.Data) + 32
		}
		require.Less(t, len(out), size+(200<<10))
		got := byTrack(readAll(t, openFile(t, out).Cursor()))[1]
		want := byTrack(readAll(t, f.Cursor()))[1]
		require.Equal(t, want[len(want)-1].Data, got[len(got)-1].Data)
		require.InDelta(t, want[len(want)-1].DTS, got[len(got)-1].DTS, float64(time.Millisecond))
		if far < time.Minute {
			require.Greater(t, len(got), len(want)+50)
		}
	}
}

// Silence of AAC is that, whatever channels there are.
func TestSilentAAC(t *testing.T) {
	for channels := 1; channels <= 7; channels++ {
		const index44100 = 4
		config := []byte{2<<3 | index44100>>1, index44100&1<<7 | byte(channels)<<3}
		frame, lasts := silentAAC(config, 44100)
		require.InDelta(t, 23220*time.Microsecond, lasts, float64(time.Microsecond))
		var adts []byte
		for range 20 {
			n := 7 + len(frame)
			adts = append(adts, 0xff, 0xf1, 1<<6|index44100<<2|byte(channels>>2), byte(channels&3)<<6|byte(n>>11), byte(n>>3), byte(n&7)<<5|0x1f, 0xfc)
			adts = append(adts, frame...)
		}
		list := reel.Hashes(t, "a.aac", reel.Sound, adts)
		require.Len(t, slices.Compact(list[:len(list)-1]), 1)
	}
	for _, config := range [][]byte{nil, {0x12}, {0x12, 0}, {0x12, 0x40}, {5 << 3, 0x10}, {2<<3 | 7, 0x88}} {
		frame, _ := silentAAC(config, 44100)
		require.Nil(t, frame, "%x", config)
	}
	frame, _ := silentAAC([]byte{0x12, 0x10}, 0)
	require.Nil(t, frame)
}
