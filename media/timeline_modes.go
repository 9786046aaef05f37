package media

import "time"

// The values of hook.StreamOptions.ModifyStamp.
const (
	stampsOfSource = iota
	stampsOfArrival
	stampsRelative
)

// keep leaves the publisher's stamps as they are, but for wraps, which are unrolled.
func (t *timeline) keep(c *trackClock, in time.Duration) {
	switch {
	case c.stale:
		c.offset = 0
	case c.packets == 0:
		for other := range t.others(c) {
			c.offset = other.offset // which has been unrolled perhaps
		}
	default:
		if period, ok := wrapped(in-c.in, func(step time.Duration) bool { return step > -maxBack && step <= maxGap }); ok {
			t.wraps++
			c.offset += period
		}
	}
}

// relate lets the stream begin at zero, and bridges jumps of the publisher's clock. A track that jumps takes the
// offset of another track or its own earlier one if it fits, so that audio and video stay in step.
func (t *timeline) relate(c *trackClock, in time.Duration) {
	switch {
	case !t.started:
		c.offset = -in
		c.before = c.offset
	case c.packets == 0:
		c.offset = t.join(c, in)
		c.before = c.offset
	case c.stale:
		c.before, c.offset = c.offset, t.join(c, in)
	default:
		t.follow(c, in)
	}
}

// join finds the offset for a clock that begins: that of a track with which it then is in step, else one that
// continues the stream here.
func (t *timeline) join(c *trackClock, in time.Duration) time.Duration {
	for other := range t.others(c) {
		at := in + other.offset
		if near(at, t.last, maxGap) || at > t.last && t.onTime(at) {
			return other.offset
		}
	}
	return t.last + c.step - in
}

// follow updates the offset of a clock that runs.
func (t *timeline) follow(c *trackClock, in time.Duration) {
	delta := in - c.in
	if delta >= -maxBack && delta <= maxGap || t.fits(c, in+c.offset) {
		c.learn(delta)
		return
	}
	if period, ok := wrapped(delta, func(step time.Duration) bool { return t.fits(c, c.in+step+c.offset) }); ok {
		t.wraps++
		c.before = c.offset
		c.offset += period
		return
	}
	t.jumps++
	c.before, c.offset = c.offset, t.bridge(c, in)
}

// wrapped reports whether a step back is that of a counter which began again: 32 bits of milliseconds (RTMP),
// 32 bits (RTP) or 33 bits (MPEG) of 90 kHz.
func wrapped(delta time.Duration, fits func(step time.Duration) bool) (time.Duration, bool) {
	for _, period := range [...]time.Duration{
		(1 << 32) * time.Millisecond,
		(1 << 32) * time.Second / 90000,
		(1 << 33) / 90 * time.Millisecond,
	} {
		if delta < 0 && fits(delta+period) {
			return period, true
		}
	}
	return 0, false
}

// bridge finds the offset after a jump: one in use that fits, so that tracks which jump together stay
// together and a single wild stamp changes nothing, else one that goes on right after the last packet.
func (t *timeline) bridge(c *trackClock, in time.Duration) time.Duration {
	if t.fits(c, in+c.before) {
		return c.before
	}
	for other := range t.others(c) {
		if t.fits(c, in+other.offset) {
			return other.offset
		}
	}
	return c.out + c.step - in
}

// fits reports whether a packet at out can follow the last one of c without a jump: closely, or after a gap that is
// one. It is if the rest of the stream has gone on for so long, or the wall clock has, or if such gaps are the pace of
// the track, which is all there is to go by when packets come in a burst.
func (t *timeline) fits(c *trackClock, out time.Duration) bool {
	gap := out - c.out
	switch {
	case gap <= -maxBack:
		return false
	case gap <= maxGap:
		return true
	case c.packets == 1 && gap <= maxFirstGap, gap <= 3*c.step:
		return true
	}
	return near(out, t.last, maxGap) || t.onTime(out)
}

// learn takes the distance of two packets into the pace of the track.
func (c *trackClock) learn(delta time.Duration) {
	switch {
	case c.packets == 1 && delta > time.Second && delta <= maxFirstGap:
		c.step = delta
	case delta > 0 && (delta < time.Second || delta <= 3*c.step):
		c.step += (delta - c.step) / 8
	}
}

// onTime reports whether a packet at out is not before its time by the wall clock.
func (t *timeline) onTime(out time.Duration) bool {
	return t.ahead.known && out <= t.elapsed+t.ahead.by+maxGap
}

// leadMemory is about how long it takes until a lead of the stream over the wall clock is forgotten.
const leadMemory = 64 * time.Second

// wallLead is how far the stream's clock has been ahead of the wall clock in the last minute: by the most, because what
// is late for a while, as when the network stalls, still comes with the stamps it had.
type wallLead struct {
	by, at time.Duration
	known  bool
}

// follow notes a packet at out that has come when elapsed had passed.
func (l *wallLead) follow(out, elapsed time.Duration) {
	lead := out - elapsed
	if !l.known || lead > l.by {
		l.by = lead
	} else {
		passed := min(elapsed-l.at, time.Second) // a stall counts little: what comes after it is late
		l.by += time.Duration(float64(lead-l.by) * float64(passed) / float64(leadMemory))
	}
	l.at, l.known = elapsed, true
}
