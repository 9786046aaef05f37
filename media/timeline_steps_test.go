package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestTimelineSteps is what each ModifyStamp makes of a publisher's stamps that step, in the middle of a picture every
// 40 ms and sound every 20 ms that come evenly: by how much the streams' own stamps step there, and at most how many
// packets of a track are squeezed, which is to say a tick apart.
func TestTimelineSteps(t *testing.T) {
	const wrap32, wrapRTP, wrap33 = (1 << 32) * ms, (1 << 32) * time.Second / 90000, (1 << 33) / 90 * ms
	type want struct {
		step     time.Duration // of the stream
		squeezed int           // packets of a track at most
	}
	even := want{}
	for name, c := range map[string]struct {
		first, step time.Duration
		want        [3]want // by mode
	}{
		"none":                     {7 * sec, 0, [3]want{even, even, even}},
		"ahead by 0.3 s":           {7 * sec, 300 * ms, [3]want{{300 * ms, 0}, even, {300 * ms, 0}}},
		"ahead by 0.9 s":           {7 * sec, 900 * ms, [3]want{{900 * ms, 0}, even, {900 * ms, 0}}},
		"ahead by 2 s":             {7 * sec, 2 * sec, [3]want{{2 * sec, 0}, even, {2 * sec, 0}}},
		"ahead by 20 s":            {7 * sec, 20 * sec, [3]want{{20 * sec, 0}, even, even}},
		"ahead by an hour":         {7 * sec, time.Hour, [3]want{{time.Hour, 0}, even, even}},
		"back by 30 ms":            {7 * sec, -30 * ms, [3]want{{-30 * ms, 1}, even, {-30 * ms, 1}}},
		"back by 0.3 s":            {7 * sec, -300 * ms, [3]want{{-300 * ms, 15}, even, {-300 * ms, 15}}},
		"back by 0.9 s":            {7 * sec, -900 * ms, [3]want{{-900 * ms, 0}, even, even}},
		"back by 2 s":              {7 * sec, -2 * sec, [3]want{{-2 * sec, 0}, even, even}},
		"back by an hour":          {2 * time.Hour, -time.Hour, [3]want{{-time.Hour, 0}, even, even}},
		"32 bits of ms wrap":       {wrap32 - 10*sec, -wrap32, [3]want{even, even, even}},
		"32 bits of 90 kHz wrap":   {wrapRTP - 10*sec, -wrapRTP, [3]want{even, even, even}},
		"33 bits of 90 kHz wrap":   {wrap33 - 10*sec, -wrap33, [3]want{even, even, even}},
		"a wrap in another's time": {wrap32 - 10*sec, -wrap32 + 13*sec, [3]want{{-wrap32 + 13*sec, 0}, even, even}},
	} {
		for mode, want := range c.want {
			t.Run(name+", mode "+string(rune('0'+mode)), func(t *testing.T) {
				stampOf := func(at time.Duration) time.Duration {
					if at >= 10*sec {
						return c.first + at + c.step
					}
					return c.first + at
				}
				tl := newTimeline(mode)
				list := merge(flow(videoTrack, 0, 20*sec, 40*ms, stampOf), flow(audioTrack, 0, 20*sec, 20*ms, stampOf))
				squeezed, last := map[*Track]int{}, map[*Track]time.Duration{}
				for i, dts := range stampAll(tl, list) {
					at, track := list[i].at, list[i].track
					if at > 0 && dts == last[track]+tick {
						squeezed[track]++
					}
					last[track] = dts
					if mode == stampsOfSource {
						dts -= c.first
					}
					if at >= 10*sec {
						dts -= want.step
					}
					within := ms
					if mode == stampsOfArrival && c.step == -30*ms {
						within = 30 * ms // as jitter, which is smoothed
					}
					if squeezed[track] == 0 || at > 11*sec {
						require.InDelta(t, at, dts, float64(within), "%s that came at %v", track.Codec, at)
					}
				}
				require.LessOrEqual(t, squeezed[videoTrack], want.squeezed, "pictures")
				require.LessOrEqual(t, squeezed[audioTrack], want.squeezed, "sound")
			})
		}
	}
}

// Equal stamps say nothing: with ModifyStamp 1 the receive clock alone tells when a packet belongs.
func TestTimelineEqualStamps(t *testing.T) {
	for mode, distance := range map[int]time.Duration{stampsOfSource: tick, stampsOfArrival: 40 * ms, stampsRelative: tick} {
		list := flow(videoTrack, 0, 10*sec, 40*ms, func(time.Duration) time.Duration { return 0 })
		for i, dts := range stampAll(newTimeline(mode), list) {
			require.Equal(t, time.Duration(i)*distance, dts, "mode %d, packet %d", mode, i)
		}
	}
}

// With ModifyStamp 1 a step is told from a gap by the receive clock, and pictures out of order are none.
func TestTimelineStepsAgainstTheReceiveClock(t *testing.T) {
	same := func(at time.Duration) time.Duration { return at }
	gap := merge(flow(videoTrack, 0, 10*sec, 40*ms, same), flow(videoTrack, 12*sec, 20*sec, 40*ms, same))
	for i, dts := range stampAll(newTimeline(stampsOfArrival), gap) {
		require.InDelta(t, gap[i].at, dts, float64(ms), "a gap in what comes and in the stamps")
	}
	var order []incoming // whose publisher gives the time of presentation for that of decoding
	for i := range 250 {
		at := time.Duration(i) * 40 * ms
		order = append(order, incoming{at, videoTrack, at + [...]time.Duration{0, 80, -40, -40}[i%4]*ms})
	}
	for i, dts := range stampAll(newTimeline(stampsOfArrival), order) {
		require.InDelta(t, order[i].at, dts, float64(200*ms), "packet %d", i)
	}
}

// A picture of RTP that is passed through keeps one stamp for all its packets.
func TestTimelineKeepsPicturesOfRTPWhole(t *testing.T) {
	raw := &Track{ID: 3, Codec: RawRTP, ClockRate: 90000}
	tl := newTimeline(stampsOfArrival)
	for picture := range 100 {
		at := time.Duration(picture) * 40 * ms
		var first time.Duration
		for fragment := range 10 {
			p := &Packet{Track: raw, DTS: at / 2, PTS: at / 2} // a clock of half the speed
			tl.stamp(p, epoch.Add(at+time.Duration(fragment)*ms))
			if fragment == 0 {
				first = p.PTS
			}
			require.Equal(t, first, p.PTS, "picture %d, fragment %d", picture, fragment)
		}
		require.InDelta(t, at, first, float64(1100*ms))
	}
}
