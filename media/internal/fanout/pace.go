package fanout

import "time"

// pace sends what the log holds when a reader begins not at once, but so many times as fast as it was made, until the
// reader has caught up. It belongs to the goroutine that works for the feed; nil is no pace.
type pace struct {
	rate    float64
	from    time.Duration // DTS of the item at which the reader began
	begun   time.Time     // when that went out
	behind  bool          // the reader is
	waiting *time.Timer   // for the next item
}

// newPace returns a pace of so many times real time; nil if that is not more than 1.
func newPace(rate float64) *pace {
	if !(rate > 1) {
		return nil
	}
	return &pace{rate: rate}
}

// holds reports whether an item has to wait. If so, wake is called when it need not any more. jumped says that the reader
// begins with it, or goes on.
func (p *pace) holds(it *Item, jumped bool, wake func()) bool {
	switch {
	case jumped:
		p.from, p.begun, p.behind = it.DTS, time.Now(), true
		return false
	case !p.behind:
		return false
	}
	wait := time.Duration(float64(it.DTS-p.from)/p.rate) - time.Since(p.begun)
	if wait <= 0 {
		return false
	}
	if p.waiting == nil {
		p.waiting = time.AfterFunc(wait, wake)
	} else {
		p.waiting.Reset(wait)
	}
	return true
}

// caughtUp says that the reader is at the end of the log.
func (p *pace) caughtUp() {
	if p != nil {
		p.behind = false
	}
}

// stop ends the wait.
func (p *pace) stop() {
	if p != nil && p.waiting != nil {
		p.waiting.Stop()
	}
}
