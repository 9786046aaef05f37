package media

import "time"

// pauseTime is how long a stream must have been without a packet for its muxers to give what they hold back. It may take
// twice as long until that is seen.
const pauseTime = time.Second

// pause sees that no packet comes any more, for a muxer that holds some back. A packet costs it no more than a look. It
// is guarded by the stream's mutex.
type pause struct {
	timer *time.Timer
	armed bool
	heard bool // a packet has come since the timer began
}

// begin notes that a packet has come.
func (p *pause) begin(o *output) {
	switch {
	case !o.holds || o.failed:
	case p.armed:
		p.heard = true
	case p.timer == nil:
		p.armed = true
		p.timer = time.AfterFunc(pauseTime, func() { p.expire(o) })
	default:
		p.armed = true
		p.timer.Reset(pauseTime)
	}
}

// expire looks whether a packet has come meanwhile.
func (p *pause) expire(o *output) {
	o.stream.mu.Lock()
	defer o.stream.mu.Unlock()
	if !p.armed {
		return
	}
	p.armed, p.heard = p.heard, false
	if p.armed {
		p.timer.Reset(pauseTime)
		return
	}
	o.flushHeld()
	o.group.Wake()
}

func (p *pause) stop() {
	p.armed = false
	if p.timer != nil {
		p.timer.Stop()
	}
}
