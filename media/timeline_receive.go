package media

import "time"

const (
	// maxLate is how far a track may be from the receive clock before it is put right at once.
	maxLate = time.Second
	// lateShare is the share of the distance that is made good with each packet: jitter is smoothed.
	lateShare = 32
	// maxStep is how far the stamps of a track may step ahead of its pace, and its pace stay behind the receive clock,
	// before that clock is asked who is right.
	maxStep = 200 * time.Millisecond
)

// receive puts packets where the receive clock is. The publisher's stamps only smooth that.
func (t *timeline) receive(c *trackClock, in time.Duration) {
	switch {
	case c.packets == 0:
		c.offset = t.arrive(c, in)
		return
	case in == c.in && c.raw: // of one picture
		return
	}
	t.bridgeStep(c, in)
	late := t.elapsed - (in + c.offset)
	if !near(late, 0, maxLate) {
		c.offset += late
		t.jumps++
		return
	}
	c.offset += late / lateShare
}

// arrive returns the offset of a track that begins.
func (t *timeline) arrive(c *trackClock, in time.Duration) time.Duration {
	for other := range t.others(c) {
		if near(in+other.offset, t.elapsed, maxLate) {
			return other.offset // in step with it, as the publisher says
		}
	}
	return t.elapsed - in
}

// bridgeStep lets a track go on at its own pace where the publisher's stamps have stepped and the receive clock has not.
func (t *timeline) bridgeStep(c *trackClock, in time.Duration) {
	next := c.out + c.step
	if t.elapsed-next > maxStep { // nothing has come for a while
		next = t.elapsed
	}
	delta, off := in-c.in, in+c.offset-next
	if period, ok := wrapped(delta, func(step time.Duration) bool { return step > -maxBack && step <= maxGap }); ok {
		t.wraps++
		c.offset += period
		return
	}
	switch {
	case delta == 0: // which says nothing
		c.offset = min(next, max(t.elapsed, c.out+tick)) - in
	case t.stepped(c, delta, off) && !near(t.elapsed, next+off, (t.elapsed-next).Abs()):
		c.offset -= off
		t.jumps++
	default:
		c.learn(delta)
	}
}

// stepped reports whether a packet is off the pace of its track by more than jitter. DTS never go back; the stamps of
// [RawRTP] do, which are of presentation.
func (t *timeline) stepped(c *trackClock, delta, off time.Duration) bool {
	if c.raw {
		return !near(off, 0, maxBack)
	}
	return delta < 0 || off > maxStep
}
