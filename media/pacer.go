package media

import "time"

const (
	// maxPaced bounds how long a packet waits in a pacer.
	maxPaced = 3 * time.Second
	// maxPeriod bounds the period of a pacer.
	maxPeriod = time.Second
)

// pacer lets packets that come in bursts out again when they are due by their DTS. The stream falls behind by what its
// source was late at most. It is guarded by the stream's mutex.
type pacer struct {
	stream  *Stream
	period  time.Duration
	zero    time.Time // when a packet with a DTS of 0 is due; zero before the first
	waiting []*Packet
	bytes   int
	timer   *time.Timer
}

// newPacer returns nil if the stream is not paced.
func newPacer(st *Stream) *pacer {
	period := st.options.PacedSender
	if period == nil || *period == 0 {
		return nil
	}
	p := &pacer{stream: st, period: *period}
	p.timer = time.AfterFunc(time.Hour, p.expire)
	p.timer.Stop()
	return p
}

// push takes a packet that has come now.
func (p *pacer) push(pkt *Packet, now time.Time) {
	wait := p.zero.Add(pkt.DTS).Sub(now)
	switch {
	case p.zero.IsZero(), !near(wait, 0, maxPaced), p.full(): // begin anew
		p.flush()
		fallthrough
	case wait <= 0: // the source is as late as never before
		p.zero = now.Add(-pkt.DTS)
		p.stream.deliver(pkt)
		return
	}
	p.waiting = append(p.waiting, pkt)
	p.bytes += len(pkt.Data)
	if len(p.waiting) == 1 {
		p.timer.Reset(p.period)
	}
}

// full reports whether more waits than half of what the stream keeps at all.
func (p *pacer) full() bool {
	return p.bytes > p.stream.server.config().LogBytes/2 || len(p.waiting) > maxLogItems/2
}

// expire lets out what is due.
func (p *pacer) expire() {
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	now, n := time.Now(), 0
	for n < len(p.waiting) && !p.zero.Add(p.waiting[n].DTS).After(now) {
		n++
	}
	p.release(n)
	if len(p.waiting) > 0 {
		p.timer.Reset(p.period)
	}
}

// flush lets everything out.
func (p *pacer) flush() {
	if p == nil {
		return
	}
	p.timer.Stop()
	p.release(len(p.waiting))
}

// release lets the first n packets out.
func (p *pacer) release(n int) {
	for i, pkt := range p.waiting[:n] {
		p.waiting[i] = nil
		p.bytes -= len(pkt.Data)
		p.stream.deliver(pkt)
	}
	p.waiting = p.waiting[n:]
	if len(p.waiting) == 0 {
		p.waiting = nil
	}
}
