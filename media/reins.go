package media

import (
	"slices"
	"time"

	"github.com/sluice-media/sluice/media/internal/fanout"
)

// reined is a reader of a source, which goes no further than the source lets it, nor the source than it.
type reined struct {
	gate *fanout.Gate
	log  held // what it reads
	feed holder
}

// held is a log that keeps what was not read.
type held interface {
	Head() uint64
	Hold(seq uint64)
}

// holder is what can stand still without losing its place.
type holder interface{ Hold(on bool) }

// newGate returns the gate of a reader; nil for one of a live stream, which is not waited for.
func (b *playback) newGate() *fanout.Gate {
	if b == nil {
		return nil
	}
	return fanout.NewGate(b.wake)
}

// begin lets the source begin, or go on, once somebody reads it. The first reader says how far ahead of the clock it is read.
func (b *playback) begin(r reined, ahead time.Duration) {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.readers = append(b.readers, r)
	b.mu.Unlock()
	b.attach.Do(func() {
		b.ahead = ahead
		close(b.attached)
	})
	b.rouse()
}

// releasing returns what gives up a reader's use of an output.
func (p *Player) releasing(out *output, gate *fanout.Gate) func() {
	if gate == nil {
		return out.release
	}
	return func() {
		out.release()
		p.stream.private.leave(gate)
	}
}

// leave takes out a reader that has ended.
func (b *playback) leave(gate *fanout.Gate) {
	b.mu.Lock()
	b.readers = slices.DeleteFunc(b.readers, func(r reined) bool { return r.gate == gate })
	b.mu.Unlock()
	b.rouse()
}

// unread reports whether there is no reader.
func (b *playback) unread() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.readers) == 0
}

// passed reports whether all readers have taken what was written.
func (b *playback) passed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !slices.ContainsFunc(b.readers, func(r reined) bool { return r.gate.Next() < r.log.Head() })
}

// keep lets the logs keep what the readers have not taken.
func (b *playback) keep() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.readers {
		r.log.Hold(r.gate.Next())
	}
}

// holdAll stops the readers, or lets them go on.
func (b *playback) holdAll(on bool) {
	for _, r := range b.list() {
		r.feed.Hold(on)
	}
}

// list is a copy: a feed that is told something may end, and leave.
func (b *playback) list() []reined {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.readers)
}
