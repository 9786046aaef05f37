package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// incoming is a packet: when it comes, of which track, and the publisher's stamp.
type incoming struct {
	at    time.Duration
	track *Track
	stamp time.Duration
}

// flow makes the packets of a track between two times, with the stamps that stampOf gives them.
func flow(track *Track, from, to, every time.Duration, stampOf func(at time.Duration) time.Duration) []incoming {
	var list []incoming
	for at := from; at < to; at += every {
		list = append(list, incoming{at, track, stampOf(at)})
	}
	return list
}

// merge puts flows in the order of arrival; those of one time stay in order.
func merge(flows ...[]incoming) []incoming {
	var list []incoming
	for {
		next := -1
		for i, f := range flows {
			if len(f) > 0 && (next < 0 || f[0].at < flows[next][0].at) {
				next = i
			}
		}
		if next < 0 {
			return list
		}
		list = append(list, flows[next][0])
		flows[next] = flows[next][1:]
	}
}

// run gives a timeline packets, and returns what the last one of each track got.
func run(tl *timeline, list []incoming) map[*Track]time.Duration {
	last := map[*Track]time.Duration{}
	for _, a := range list {
		p := &Packet{Track: a.track, DTS: a.stamp, PTS: a.stamp}
		tl.stamp(p, epoch.Add(a.at))
		last[a.track] = p.DTS
	}
	return last
}

const sec = time.Second

// A gap is told from a jump by the wall clock, by the other track, and by the pace of the track itself.
func TestTimelineGapsAndJumps(t *testing.T) {
	same := func(at time.Duration) time.Duration { return at }
	leap := func(when, by time.Duration) func(time.Duration) time.Duration {
		return func(at time.Duration) time.Duration {
			if at >= when {
				return at + by
			}
			return at
		}
	}
	burst := func(list []incoming) []incoming { // all at once
		for i := range list {
			list[i].at = 0
		}
		return list
	}
	const wrap = (1 << 32) * ms
	for name, c := range map[string]struct {
		list         []incoming
		video, audio time.Duration // of the last packets
		jumps, wraps uint64
	}{
		"a picture every 5 s": {flow(videoTrack, 0, 65*sec, 5*sec, same), 60 * sec, 0, 0, 0},
		"the same at once":    {burst(flow(videoTrack, 0, 65*sec, 5*sec, same)), 60 * sec, 0, 0, 0},
		"a picture a minute":  {flow(videoTrack, 0, 601*sec, 60*sec, same), 600 * sec, 0, 0, 0},
		"with sound": {
			merge(flow(videoTrack, 0, 61*sec, 5*sec, same), flow(audioTrack, 0, 61*sec, 20*ms, same)), 60 * sec, 61*sec - 20*ms, 0, 0,
		},
		"with sound, at once": {
			burst(merge(flow(videoTrack, 0, 61*sec, 5*sec, same), flow(audioTrack, 0, 61*sec, 20*ms, same))), 60 * sec, 61*sec - 20*ms, 0, 0,
		},
		"the camera is silent for 20 s": {
			merge(flow(videoTrack, 0, 10*sec, 40*ms, same), flow(videoTrack, 30*sec, 40*sec, 40*ms, same)), 40*sec - 40*ms, 0, 0, 0,
		},
		"its clock stops meanwhile": {
			merge(flow(videoTrack, 0, 10*sec, 40*ms, same), flow(videoTrack, 30*sec, 40*sec, 40*ms, leap(0, -20*sec))), 20*sec - 40*ms, 0, 0, 0,
		},
		"a stall of 30 s, in which 20 s are lost": {
			merge(flow(videoTrack, 0, 10*sec, 40*ms, same), func() []incoming {
				late := append(flow(videoTrack, 10*sec, 20*sec, 40*ms, same), flow(videoTrack, 40*sec, 41*sec, 40*ms, same)...)
				for i := range late {
					late[i].at = 40 * sec
				}
				return late
			}()), 41*sec - 40*ms, 0, 0, 0,
		},
		"a leap of 10 s": {flow(videoTrack, 0, 20*sec, 40*ms, leap(10*sec, 10*sec)), 20*sec - 40*ms, 0, 1, 0},
		"a leap of 10 s of both": {
			merge(flow(videoTrack, 0, 20*sec, 40*ms, leap(10*sec, 10*sec)), flow(audioTrack, 0, 20*sec, 20*ms, leap(10*sec, 10*sec))),
			20*sec - 40*ms, 20*sec - 20*ms, 2, 0,
		},
		"a leap of an hour of sparse video and sound": {
			merge(flow(videoTrack, 0, 61*sec, 5*sec, leap(31*sec, time.Hour)), flow(audioTrack, 0, 61*sec, 20*ms, leap(31*sec, time.Hour))),
			60 * sec, 61*sec - 20*ms, 2, 0,
		},
		"a leap back of sparse video and sound": {
			merge(flow(videoTrack, 0, 61*sec, 5*sec, leap(31*sec, -25*sec)), flow(audioTrack, 0, 61*sec, 20*ms, leap(31*sec, -25*sec))),
			60 * sec, 61*sec - 20*ms, 2, 0,
		},
		"a wrap of sparse video and sound": {
			merge(flow(videoTrack, 0, 61*sec, 5*sec, func(at time.Duration) time.Duration { return (at + wrap - 31*sec) % wrap }),
				flow(audioTrack, 0, 61*sec, 20*ms, func(at time.Duration) time.Duration { return (at + wrap - 31*sec) % wrap })),
			60 * sec, 61*sec - 20*ms, 0, 2,
		},
		"sound that begins 8 s later": {
			merge(flow(videoTrack, 0, 1*sec, 40*ms, same), flow(audioTrack, 8*sec, 20*sec, 20*ms, same)), 1*sec - 40*ms, 20*sec - 20*ms, 0, 0,
		},
		"a burst of 3 s and then a picture every 5 s": {
			merge(burst(flow(videoTrack, 0, 3*sec, 40*ms, same)), flow(videoTrack, 5*sec, 31*sec, 5*sec, leap(0, 3*sec))), 33 * sec, 0, 0, 0,
		},
		"a leap after a burst of 3 s": {
			merge(burst(flow(videoTrack, 0, 3*sec, 40*ms, same)), flow(videoTrack, 40*ms, 10*sec, 40*ms, leap(0, 20*sec))),
			13*sec - 80*ms, 0, 1, 0,
		},
	} {
		t.Run(name, func(t *testing.T) {
			tl := newTimeline(stampsRelative)
			got := run(tl, c.list)
			require.InDelta(t, c.video, got[videoTrack], float64(100*ms), "video: %v", got[videoTrack])
			require.InDelta(t, c.audio, got[audioTrack], float64(100*ms), "audio: %v", got[audioTrack])
			require.Equal(t, c.jumps, tl.jumps)
			require.Equal(t, c.wraps, tl.wraps)
		})
	}
}

// stampAll gives a timeline packets and returns all their stamps.
func stampAll(tl *timeline, list []incoming) (out []time.Duration) {
	for _, a := range list {
		p := &Packet{Track: a.track, DTS: a.stamp, PTS: a.stamp + 80*ms}
		tl.stamp(p, epoch.Add(a.at))
		out = append(out, p.DTS)
	}
	return out
}

// ModifyStamp 0 leaves stamps what they are, wherever they begin and jump; only wraps are unrolled, and DTS grow.
func TestTimelineOfTheSource(t *testing.T) {
	const wrap = (1 << 32) * ms
	tl := newTimeline(stampsOfSource)
	in := []time.Duration{7000 * ms, 7040 * ms, 7040 * ms, 7020 * ms, 90 * sec, 91 * sec, 5 * sec, 5040 * ms}
	require.Equal(t,
		[]time.Duration{7000 * ms, 7040 * ms, 7041 * ms, 7042 * ms, 90 * sec, 91 * sec, 5 * sec, 5040 * ms}, play(tl, videoTrack, in...))
	require.Equal(t, []time.Duration{6 * sec}, play(tl, audioTrack, 6*sec))
	require.Zero(t, tl.jumps)
	tl = newTimeline(stampsOfSource)
	require.Equal(t, []time.Duration{wrap - 40*ms, wrap, wrap + 40*ms}, play(tl, videoTrack, wrap-40*ms, 0, 40*ms))
	require.Equal(t, []time.Duration{wrap + 20*ms}, play(tl, audioTrack, 20*ms))
	require.EqualValues(t, 1, tl.wraps)
	tl.restart()
	require.Equal(t, []time.Duration{3 * sec}, play(tl, videoTrack, 3*sec), "another publisher's own")
}

// ModifyStamp 1 gives packets the time at which they come, smoothed by the publisher's stamps.
func TestTimelineOfArrival(t *testing.T) {
	jitter := [...]time.Duration{0, 13 * ms, 2 * ms, 30 * ms, 7 * ms}
	var list []incoming
	for i := range 1000 {
		at := time.Duration(i) * 40 * ms
		stamp := time.Duration(i) * 20 * ms // a clock of half the speed
		if i >= 500 {
			stamp += time.Hour
		}
		list = append(list, incoming{at + jitter[i%len(jitter)], videoTrack, stamp})
	}
	out := stampAll(newTimeline(stampsOfArrival), list)
	for i, dts := range out {
		require.InDelta(t, list[i].at, dts, float64(1100*ms), "packet %d", i)
		if i > 0 {
			require.Greater(t, dts, out[i-1])
		}
	}
	var even []incoming
	for i := range 1000 {
		at := time.Duration(i) * 40 * ms
		even = append(even, incoming{at + jitter[i%len(jitter)], videoTrack, at + time.Hour})
	}
	out = stampAll(newTimeline(stampsOfArrival), even)
	for i := 200; i < len(out); i++ {
		require.InDelta(t, 40*ms, out[i]-out[i-1], float64(3*ms), "jitter is smoothed, packet %d", i)
	}
	both := merge(flow(videoTrack, 0, 20*sec, 40*ms, func(at time.Duration) time.Duration { return at + time.Hour }),
		flow(audioTrack, 0, 20*sec, 20*ms, func(at time.Duration) time.Duration { return at + time.Hour }))
	last := run(newTimeline(stampsOfArrival), both)
	require.InDelta(t, last[videoTrack]+20*ms, last[audioTrack], float64(5*ms), "in step")
}

// RTP that is passed through keeps its stamps: a picture's packets share one, and pictures come in decoding order.
func TestTimelineKeepsRTPStamps(t *testing.T) {
	raw := &Track{ID: 3, Codec: RawRTP, ClockRate: 90000}
	for _, mode := range []int{stampsOfSource, stampsRelative} {
		tl := newTimeline(mode)
		var dts time.Duration
		for picture, order := range [...]int{0, 2, 1, 4, 3, 6, 5} {
			at := time.Duration(order) * 40 * ms
			for range 100 {
				p := &Packet{Track: raw, DTS: at, PTS: at}
				tl.stamp(p, epoch.Add(time.Duration(picture)*40*ms))
				require.Equal(t, at, p.PTS)
				require.GreaterOrEqual(t, p.DTS, dts)
				dts = p.DTS
			}
		}
		require.Equal(t, 240*ms, dts)
	}
}
