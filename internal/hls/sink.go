package hls

import (
	"time"

	"github.com/sluice-media/sluice/internal/segment"
)

// sink takes what is cut of a live stream.
type sink Live

var _ segment.Sink = (*sink)(nil)

// Begin implements [segment.Sink].
func (s *sink) Begin(x *segment.Segment) {
	l := (*Live)(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &entry{
		number: x.Number, at: l.timeOf(x), discontinuity: x.Discontinuity, init: x.Init,
	}
	e.name = segment.Name(e.at, x.Number, "")
	l.list = append(l.list, e)
}

// timeOf returns the wall clock at the beginning of a segment: behind the one before, if it follows from that.
func (l *Live) timeOf(x *segment.Segment) time.Time {
	if n := len(l.list); n > 0 && !x.Discontinuity {
		before := l.list[n-1]
		return before.at.Add(before.lasts)
	}
	return l.stream.Epoch().Add(x.Start)
}

// Part implements [segment.Sink].
func (s *sink) Part(_ *segment.Segment, p *segment.Part) {
	l := (*Live)(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.list[len(l.list)-1]
	e.parts = append(e.parts, p)
	if l.cfg.Part > 0 {
		l.tell()
	}
}

// End implements [segment.Sink].
func (s *sink) End(x *segment.Segment) {
	l := (*Live)(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list[len(l.list)-1].lasts = max(x.Duration, 1) // a segment without length is complete, too
	l.trim(time.Now())
	l.tell()
}

// trim lets the oldest segments leave the playlist, and lets go of those that left it long ago. A segment is kept for as
// long again as the playlist that had it lasts (RFC 8216, 6.2.2). l.mu is held.
func (l *Live) trim(now time.Time) {
	for len(l.list)-l.left > l.cfg.Count {
		e := l.list[l.left]
		e.gone = now
		l.left++
		if e.discontinuity {
			l.breaks++
		}
	}
	keep := l.target * time.Duration(l.cfg.Count+1)
	n := 0
	for l.left-n > l.cfg.Retain && now.Sub(l.list[n].gone) > keep {
		n++
	}
	clear(l.list[:n])
	l.list = l.list[n:]
	l.left -= n
}
