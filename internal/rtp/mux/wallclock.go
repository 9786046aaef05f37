package mux

import "time"

const (
	// maxLate is how late packets may be by the wall clock before the reports follow at once: the source has paused.
	maxLate = time.Second
	// maxEarly is how early packets may be before the reports follow. Some clients give a picture a wrong time when the
	// line goes back by milliseconds.
	maxEarly = time.Second
	// maxSlew is how far a report may differ from the line through those before it.
	maxSlew = 2 * time.Millisecond
)

// wallClock tells the time by the wall clock of times in a stream, on one line as far as it can: receivers place what
// they get by the distance of reports. The line follows the clock of the source, which is another one, slowly.
type wallClock struct {
	epoch time.Time     // where the time in the stream is 0
	least time.Duration // the least delay of a packet since then
	since time.Time     // the clock was set or adjusted; zero before the first packet
	seen  bool
}

// begin sets the clock, if it does not run yet.
func (c *wallClock) begin(epoch time.Time) {
	if c.epoch.IsZero() {
		c.epoch = epoch
	}
}

// saw notes that a packet comes now.
func (c *wallClock) saw(at time.Duration, now time.Time) {
	if late := now.Sub(c.epoch.Add(at)); !c.seen || late < c.least {
		c.least, c.seen = late, true
	}
	if c.since.IsZero() {
		c.since = now
	}
}

// adjust moves the clock before a report. What a muxer is given at once when it begins is not late but old.
func (c *wallClock) adjust(now time.Time) {
	if !c.seen || now.Sub(c.since) < reportEvery {
		return
	}
	switch by := c.least; {
	case by >= maxLate:
		c.epoch = c.epoch.Add(by)
	case by > 0:
		c.epoch = c.epoch.Add(min(by, maxSlew))
	case by < -maxEarly:
		c.epoch = c.epoch.Add(-maxSlew)
	}
	c.seen, c.since = false, now
}

// at returns the wall clock at a time of the stream.
func (c *wallClock) at(t time.Duration) time.Time { return c.epoch.Add(t) }
