package media

import "time"

// past is where a reader can begin in what a stream keeps beyond what new viewers need.
type past struct {
	keep   time.Duration
	starts []startPoint // oldest first
	newest time.Duration
}

// startPoint is an item of the packet log at which a reader can begin.
type startPoint struct {
	seq uint64
	dts time.Duration
}

// add notes a start point of a log that begins at tail, and returns the oldest that is to be kept.
func (p *past) add(at startPoint, tail uint64) (keep uint64) {
	p.starts = append(p.starts, at)
	old := 0
	for old+2 < len(p.starts) && (p.starts[old+1].dts <= at.dts-p.keep || p.starts[old+1].seq <= tail) {
		old++
	}
	p.starts = append(p.starts[:0], p.starts[old:]...)
	return p.starts[0].seq
}

// before returns the newest start point that is not after dts, or the oldest, of those from the item tail on.
func (p *past) before(dts time.Duration, tail uint64) (seq uint64, ok bool) {
	for _, s := range p.starts {
		if s.seq < tail {
			continue
		}
		if ok && s.dts > dts {
			break
		}
		seq, ok = s.seq, true
	}
	return seq, ok
}

// remember notes a start point that is about to be written. st.mu is held.
func (st *Stream) remember(dts time.Duration) {
	keep := st.past.add(startPoint{st.packets.Head(), dts}, st.packets.Tail())
	if st.past.keep > 0 {
		st.packets.Hold(keep)
	}
}
