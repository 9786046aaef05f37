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
		number: x.Number, at: l.timeOf(x), independent: x.Independent, discontinuity: x.Discontinuity, init: x.Init,
	}
	e.name = segment.Name(e.at, x.Number, "")
	l.list = append(l.list, e)
	if l.coming == "" {
		l.coming = l.partName(e, 0)
	}
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
	e.parts = append(e.parts, part{p, l.coming})
	e.size += len(p.Data)
	l.size += int64(len(p.Data))
	l.coming = l.partName(e, len(e.parts))
	if l.cfg.Part > 0 {
		l.tell()
	}
}

// End implements [segment.Sink].
func (s *sink) End(x *segment.Segment) {
	l := (*Live)(s)
	l.mu.Lock()
	defer l.mu.Unlock()
	// Some clients pass over a segment without a length, and refuse a playlist that has no other.
	l.list[len(l.list)-1].lasts = max(x.Duration, time.Millisecond)
	l.trim(time.Now())
	l.tell()
}

// trim lets the oldest segments leave the playlists, and lets go of those that left some time ago: what clients, which reload a
// playlist after a target duration, may still ask for stays. RFC 8216 (6.2.2) would keep them for as long as the playlist lasts,
// at twice the memory. l.mu is held.
func (l *Live) trim(now time.Time) {
	l.window.slide(l.list, l.leaves())
	for _, e := range l.delayed.slide(l.list, l.window.left-l.cfg.Delay) {
		e.gone = now
	}
	l.forget(now)
	l.shed()
}

// forget lets go of segments that left the playlists long enough ago, but for those that are to be kept besides. l.mu is held.
func (l *Live) forget(now time.Time) {
	keep := keepTargets * l.target
	n := 0
	for l.delayed.left-n > l.cfg.Retain && now.Sub(l.list[n].gone) > keep {
		n++
	}
	l.drop(n)
}

// drop lets go of the oldest segments, which have left the playlists. l.mu is held.
func (l *Live) drop(n int) {
	for _, e := range l.list[:n] {
		l.size -= int64(e.size)
	}
	clear(l.list[:n])
	l.list = l.list[n:]
	l.window.left -= n
	l.delayed.left -= n
}

// keepTargets is for how many target durations segments can be had that have left the playlists.
const keepTargets = 1

// atLeast is how many target durations a playlist has at least when segments leave it (RFC 8216, 6.2.2), and spare how many
// segments more than Config.Count it has for that at most: where the stream is torn to pieces.
const (
	atLeast = 3
	spare   = 50
)

// leaves returns how many of the oldest segments are to have left the playlist, when all are complete. l.mu is held.
func (l *Live) leaves() int {
	rest := time.Duration(0)
	for _, e := range l.list[l.window.left:] {
		rest += e.lasts
	}
	to := l.window.left
	for n := len(l.list) - to; n > l.cfg.Count; n-- {
		if rest -= l.list[to].lasts; rest < atLeast*l.target && n <= l.cfg.Count+spare {
			break
		}
		to++
	}
	return to
}

// slide lets the oldest segments of a list leave, up to one, and returns them.
func (w *window) slide(list []*entry, to int) []*entry {
	from := w.left
	for w.left < to {
		if list[w.left].discontinuity {
			w.breaks++
		}
		w.left++
	}
	return list[from:w.left]
}
