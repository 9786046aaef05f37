package media

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const ms = time.Millisecond

// epoch is when all packets come in tests of bursts.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

var (
	videoTrack = &Track{ID: 1, Codec: H264}
	audioTrack = &Track{ID: 2, Codec: AAC}
)

// play gives a timeline stamps and returns what became of them.
func play(tl *timeline, track *Track, stamps ...time.Duration) []time.Duration {
	var out []time.Duration
	for _, s := range stamps {
		p := &Packet{Track: track, DTS: s, PTS: s}
		tl.stamp(p, epoch)
		out = append(out, p.DTS)
	}
	return out
}

func TestTimelineStartsAtZeroAndKeepsDistances(t *testing.T) {
	tl := newTimeline(stampsRelative)
	require.Equal(t, []time.Duration{0, 40 * ms, 80 * ms}, play(tl, videoTrack, 7000*ms, 7040*ms, 7080*ms))
	require.Equal(t, []time.Duration{30 * ms, 53 * ms}, play(tl, audioTrack, 7030*ms, 7053*ms))
	require.Zero(t, tl.jumps)
}

func TestTimelineSingleTrack(t *testing.T) {
	const wrap = (1 << 32) * ms
	for name, c := range map[string]struct {
		in, want     []time.Duration
		jumps, wraps uint64
	}{
		"repeated stamps":       {[]time.Duration{0, 0, 0, 40 * ms}, []time.Duration{0, 1 * ms, 2 * ms, 40 * ms}, 0, 0},
		"small step back":       {[]time.Duration{0, 100 * ms, 60 * ms, 140 * ms}, []time.Duration{0, 100 * ms, 101 * ms, 140 * ms}, 0, 0},
		"gap of 3 s is kept":    {[]time.Duration{0, 40 * ms, 3040 * ms}, []time.Duration{0, 40 * ms, 3040 * ms}, 0, 0},
		"gap over 3 s":          {[]time.Duration{0, 40 * ms, 9000 * ms, 9040 * ms}, []time.Duration{0, 40 * ms, 80 * ms, 120 * ms}, 1, 0},
		"back to zero":          {[]time.Duration{50000 * ms, 50040 * ms, 0, 40 * ms}, []time.Duration{0, 40 * ms, 80 * ms, 120 * ms}, 1, 0},
		"wild stamp":            {[]time.Duration{0, 40 * ms, 36e6 * ms, 120 * ms, 160 * ms}, []time.Duration{0, 40 * ms, 80 * ms, 120 * ms, 160 * ms}, 2, 0},
		"wild stamp below":      {[]time.Duration{0, 40 * ms, -36e6 * ms, 120 * ms}, []time.Duration{0, 40 * ms, 80 * ms, 120 * ms}, 2, 0},
		"32 bits of ms wrap":    {[]time.Duration{wrap - 40*ms, wrap - 1*ms, 39 * ms}, []time.Duration{0, 39 * ms, 79 * ms}, 0, 1},
		"negative first stamps": {[]time.Duration{-80 * ms, -40 * ms}, []time.Duration{0, 40 * ms}, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			tl := newTimeline(stampsRelative)
			require.Equal(t, c.want, play(tl, videoTrack, c.in...))
			require.Equal(t, c.jumps, tl.jumps)
			require.Equal(t, c.wraps, tl.wraps)
		})
	}
}

func TestTimelineComposition(t *testing.T) {
	tl := newTimeline(stampsRelative)
	for _, c := range []struct{ dts, pts, want time.Duration }{
		{0, 80 * ms, 80 * ms}, {40 * ms, 40 * ms, 40 * ms}, {80 * ms, 60 * ms, 80 * ms}, {120 * ms, time.Hour, 120 * ms},
	} {
		p := &Packet{Track: videoTrack, DTS: c.dts, PTS: c.pts}
		tl.stamp(p, epoch)
		require.Equal(t, c.want, p.PTS)
		require.Equal(t, c.dts, p.SourceDTS)
		require.Equal(t, c.pts, p.SourcePTS)
	}
}

// interleave runs audio and video through jumps and returns the largest distance between what they should
// have and what they got.
func TestTimelineKeepsAudioAndVideoInStep(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forward": time.Hour, "back": -20 * time.Second, "wrap": 1 - (1<<32)*ms} {
		t.Run(name, func(t *testing.T) {
			tl := newTimeline(stampsRelative)
			base := 30 * time.Second
			if name == "wrap" {
				base, jump = (1<<32)*ms-10*time.Second, -(1<<32)*ms
			}
			at := func(d time.Duration) time.Duration {
				if d >= 10*time.Second {
					return base + d + jump
				}
				return base + d
			}
			var video, audio time.Duration
			for d := time.Duration(0); d < 20*time.Second; d += ms {
				if d%(40*ms) == 0 {
					video = play(tl, videoTrack, at(d))[0] - d
				}
				if d%(23*ms) == 0 {
					audio = play(tl, audioTrack, at(d))[0] - d
				}
			}
			require.InDelta(t, video, audio, float64(ms), "audio and video drift apart")
		})
	}
}

func TestTimelineRestartGoesOn(t *testing.T) {
	tl := newTimeline(stampsRelative)
	play(tl, videoTrack, 1000*ms, 1040*ms)
	play(tl, audioTrack, 1000*ms, 1023*ms)
	tl.restart()
	require.Equal(t, []time.Duration{80 * ms, 120 * ms}, play(tl, videoTrack, 1010*ms, 1050*ms))
	require.Equal(t, []time.Duration{100 * ms}, play(tl, audioTrack, 1030*ms))
	require.Zero(t, tl.jumps)
}

// Whatever comes in, what goes out is strictly growing for each track, with the presentation not before.
func TestTimelineIsMonotoneForAnything(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	tl := newTimeline(stampsRelative)
	last := map[int]time.Duration{1: -1, 2: -1}
	for range 20000 {
		track := videoTrack
		if rnd.IntN(2) == 0 {
			track = audioTrack
		}
		p := &Packet{Track: track, DTS: time.Duration(rnd.Int64N(1<<50) - 1<<49)}
		if rnd.IntN(10) > 0 {
			p.DTS %= 5 * time.Second
		}
		p.PTS = p.DTS + time.Duration(rnd.Int64N(1<<33)-1<<32)
		tl.stamp(p, epoch)
		require.Greater(t, p.DTS, last[track.ID])
		require.GreaterOrEqual(t, p.PTS, p.DTS)
		last[track.ID] = p.DTS
	}
}
