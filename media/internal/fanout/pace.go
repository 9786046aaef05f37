package fanout

import (
	"sync/atomic"
	"time"
)

// pace sends what the log holds when a reader begins not at once, but so many times as fast as it was made, until the
// reader has caught up. It belongs to the goroutine that works for the feed; nil is no pace.
type pace struct {
	rate    float64
	from    time.Duration // DTS of the item at which the reader began
	begun   time.Time     // when that went out
	behind  bool          // the reader is
	waiting *time.Timer   // for the next item
	late    *atomic.Int32 // how many readers of the log are behind
}

// newPace returns a pace of so many times real time in log; nil if that is not more than 1.
func newPace(rate float64, log *Log[Item]) *pace {
	if !(rate > 1) {
		return nil
	}
	return &pace{rate: rate, late: &log.late}
}

// holds reports whether an item has to wait. If so, wake is called when it need not any more. jumped says that the reader
// begins with it, or goes on.
func (p *pace) holds(it *Item, jumped bool, wake func()) bool {
	switch {
	case jumped:
		p.from, p.begun = it.DTS, time.Now()
		p.set(true)
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
		p.set(false)
	}
}

// set says whether the reader is behind. For one that is the log keeps more, since it may not hurry.
func (p *pace) set(behind bool) {
	switch {
	case behind && !p.behind:
		p.late.Add(1)
	case !behind && p.behind:
		p.late.Add(-1)
	}
	p.behind = behind
}

// stop ends the wait, and the reader.
func (p *pace) stop() {
	if p == nil {
		return
	}
	p.set(false)
	if p.waiting != nil {
		p.waiting.Stop()
	}
}
