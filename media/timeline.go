package media

import "time"

const (
	// maxGap is how far the stamps of a track may always step forward. More is a gap if something else tells so, and a
	// jump of the publisher's clock if nothing does.
	maxGap = 3 * time.Second
	// maxFirstGap is the same for the second packet of a track, whose pace nobody knows.
	maxFirstGap = 10 * time.Second
	// maxBack is how far they may step back: less is jitter, which is squeezed.
	maxBack = 500 * time.Millisecond
	// maxComposition bounds PTS - DTS; more is taken for damage.
	maxComposition = 10 * time.Second
	// tick is the least step of a track's DTS: FLV and RTMP count milliseconds.
	tick = time.Millisecond
)

// timeline turns a publisher's stamps into those of the stream: DTS strictly growing for each track, PTS not before DTS.
// How is said by the mode, the stream's ModifyStamp. Every track has an offset between the two clocks.
//
// Packets of [RawRTP] keep the stamps of their RTP: many can share one, and they can step back.
type timeline struct {
	mode    int
	tracks  map[int]*trackClock
	last    time.Duration // the largest DTS given
	started bool
	first   time.Time     // when the first packet came
	elapsed time.Duration // from then until the packet under way
	ahead   wallLead
	jumps   uint64
	wraps   uint64
}

type trackClock struct {
	offset, before time.Duration // added to the publisher's stamps: now, and until the last jump
	in, out        time.Duration // the last stamps
	step           time.Duration // the usual distance between two packets
	packets        int           // 0, 1 or more
	stale          bool          // the publisher has restarted, offset is that of the one before
	raw            bool          // of [RawRTP]
}

func newTimeline(mode int) *timeline { return &timeline{mode: mode, tracks: map[int]*trackClock{}} }

// restart says that another publisher goes on: its clock has nothing to do with that of the one before.
func (t *timeline) restart() {
	for _, c := range t.tracks {
		c.stale = true
	}
	t.ahead.known = false
}

// stamp gives p, which has come now, the stream's stamps.
func (t *timeline) stamp(p *Packet, now time.Time) {
	if t.first.IsZero() {
		t.first = now
	}
	t.elapsed = now.Sub(t.first)
	p.SourceDTS, p.SourcePTS = p.DTS, p.PTS
	c := t.clock(p.Track)
	t.place(c, p.DTS)
	at := max(p.DTS+c.offset, 0)
	if p.Track.Codec == RawRTP {
		p.PTS, p.DTS = at, max(at, c.out)
	} else {
		p.DTS = t.grow(c, at)
		p.PTS = presentation(p, c.offset)
	}
	c.in, c.out, c.stale = p.SourceDTS, p.DTS, false
	c.packets = min(c.packets+1, 2)
	t.started = true
	t.last = max(t.last, p.DTS)
	t.ahead.follow(p.DTS, t.elapsed)
}

// place updates the offset of c for a packet with stamp in.
func (t *timeline) place(c *trackClock, in time.Duration) {
	switch t.mode {
	case stampsOfSource:
		t.keep(c, in)
	case stampsOfArrival:
		t.receive(c, in)
	default:
		t.relate(c, in)
	}
}

// grow returns the DTS of a packet that belongs at a stamp: not before that of the one before, unless the source's own
// stamps are kept and have jumped.
func (t *timeline) grow(c *trackClock, at time.Duration) time.Duration {
	if c.packets == 0 || t.mode == stampsOfSource && at < c.out-maxBack {
		return at
	}
	return max(at, c.out+tick)
}

// presentation returns the PTS of p: where it belongs, also when its DTS had to be moved.
func presentation(p *Packet, offset time.Duration) time.Duration {
	composition := p.SourcePTS - p.SourceDTS
	if composition < 0 || composition > maxComposition {
		return p.DTS
	}
	return max(p.SourcePTS+offset, p.DTS)
}

func (t *timeline) clock(track *Track) *trackClock {
	c := t.tracks[track.ID]
	if c == nil {
		c = &trackClock{step: firstStep(track), raw: track.Codec == RawRTP}
		t.tracks[track.ID] = c
	}
	return c
}

// firstStep guesses the distance between packets until it is known.
func firstStep(track *Track) time.Duration {
	if track.Codec.Video() {
		return 40 * time.Millisecond
	}
	return 20 * time.Millisecond
}

// others yields the clocks of the tracks that run beside c.
func (t *timeline) others(c *trackClock) func(yield func(*trackClock) bool) {
	return func(yield func(*trackClock) bool) {
		for _, other := range t.tracks {
			if other != c && other.packets > 0 && !other.stale && !yield(other) {
				return
			}
		}
	}
}

func near(a, b, within time.Duration) bool { return a-b <= within && b-a <= within }
