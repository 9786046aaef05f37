package media

import "time"

const (
	// maxGap is how far the stamps of a track may step forward before it counts as a jump.
	maxGap = 3 * time.Second
	// maxBack is how far they may step back: less is jitter, which is squeezed.
	maxBack = 500 * time.Millisecond
	// maxComposition bounds PTS - DTS; more is taken for damage.
	maxComposition = 10 * time.Second
	// tick is the least step of a track's DTS: FLV and RTMP count milliseconds.
	tick = time.Millisecond
)

// timeline turns a publisher's stamps into those of the stream: from zero, DTS strictly growing for each
// track, PTS not before DTS. Wraps are unrolled, jumps bridged and counted. Every track has an offset between
// the two clocks; a track that jumps takes that of another track or its own earlier one if it fits, so that
// audio and video stay in step.
type timeline struct {
	tracks  map[int]*trackClock
	last    time.Duration // the largest DTS given
	started bool
	jumps   uint64
	wraps   uint64
}

type trackClock struct {
	offset, before time.Duration // added to the publisher's stamps: now, and until the last jump
	in, out        time.Duration // the last stamps
	step           time.Duration // the usual distance between two packets
	begun          bool
	stale          bool // the publisher has restarted, offset is that of the one before
}

func newTimeline() *timeline { return &timeline{tracks: map[int]*trackClock{}} }

// restart says that another publisher goes on: its clock has nothing to do with that of the one before.
func (t *timeline) restart() {
	for _, c := range t.tracks {
		c.stale = true
	}
}

// stamp gives p the stream's stamps.
func (t *timeline) stamp(p *Packet) {
	p.SourceDTS, p.SourcePTS = p.DTS, p.PTS
	c := t.clock(p.Track)
	composition := p.PTS - p.DTS
	p.DTS = t.place(c, p.DTS)
	if composition < 0 || composition > maxComposition {
		p.PTS = p.DTS
	} else { // where it belongs, also when its DTS had to be moved
		p.PTS = max(p.SourcePTS+c.offset, p.DTS)
	}
	t.last = max(t.last, p.DTS)
}

func (t *timeline) clock(track *Track) *trackClock {
	c := t.tracks[track.ID]
	if c == nil {
		c = &trackClock{step: firstStep(track)}
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

// place returns the stream's DTS for stamp in of track clock c.
func (t *timeline) place(c *trackClock, in time.Duration) time.Duration {
	switch {
	case !c.begun:
		c.offset = t.firstOffset(c, in)
		c.before = c.offset
	case c.stale:
		c.before = c.offset
		c.offset = t.join(c, in)
	default:
		t.follow(c, in)
	}
	out := max(in+c.offset, 0)
	if c.begun {
		out = max(out, c.out+tick)
	}
	c.in, c.out, c.begun, c.stale = in, out, true, false
	return out
}

// firstOffset is the offset of a track's first packet.
func (t *timeline) firstOffset(c *trackClock, in time.Duration) time.Duration {
	if !t.started {
		t.started = true
		return -in
	}
	return t.join(c, in)
}

// join finds the offset for a clock that begins: that of a track with which it then is in step, else one that
// continues the stream here.
func (t *timeline) join(c *trackClock, in time.Duration) time.Duration {
	for _, other := range t.tracks {
		if other != c && other.begun && !other.stale && near(in+other.offset, t.last, maxGap) {
			return other.offset
		}
	}
	return t.last + c.step - in
}

// follow updates the offset of a clock that runs.
func (t *timeline) follow(c *trackClock, in time.Duration) {
	delta := in - c.in
	if delta >= -maxBack && delta <= maxGap {
		if delta > 0 && delta < time.Second {
			c.step += (delta - c.step) / 8
		}
		return
	}
	if period, ok := wrapped(delta); ok {
		t.wraps++
		c.before = c.offset
		c.offset += period
		return
	}
	t.jumps++
	offset := t.bridge(c, in)
	c.before, c.offset = c.offset, offset
}

// wrapped reports whether a step back is that of a counter which began again: 32 bits of milliseconds (RTMP),
// 32 bits (RTP) or 33 bits (MPEG) of 90 kHz.
func wrapped(delta time.Duration) (time.Duration, bool) {
	for _, period := range [...]time.Duration{
		(1 << 32) * time.Millisecond,
		(1 << 32) * time.Second / 90000,
		(1 << 33) / 90 * time.Millisecond,
	} {
		if step := delta + period; step > -maxBack && step <= maxGap {
			return period, true
		}
	}
	return 0, false
}

// bridge finds the offset after a jump: one in use that fits, so that tracks which jump together stay
// together and a single wild stamp changes nothing, else one that goes on right after the last packet.
func (t *timeline) bridge(c *trackClock, in time.Duration) time.Duration {
	if fits(in+c.before, c.out) {
		return c.before
	}
	for _, other := range t.tracks {
		if other != c && other.begun && !other.stale && fits(in+other.offset, c.out) {
			return other.offset
		}
	}
	return c.out + c.step - in
}

// fits reports whether out can follow last without a jump.
func fits(out, last time.Duration) bool { return out > last-maxBack && out <= last+maxGap }

func near(a, b, within time.Duration) bool { return a-b <= within && b-a <= within }
