package fanout

import (
	"io"
	"iter"
	"sync/atomic"
	"time"
)

// Limits bound what a log holds.
type Limits struct {
	// Bytes is the most payload a log holds.
	Bytes int
	// Items is the most items it holds.
	Items int
}

// Log is a ring of the newest items of one writer. It holds the items from the start point before the newest
// one on, so that a new reader can begin at once and one that is late has a whole group of pictures to catch
// up; and what has come at once for a moment longer, or for some seconds if it is little, so that no reader is late who could not
// be in time. Readers take no lock; one goroutine at a time may write.
type Log[T any] struct {
	ring   atomic.Pointer[ring[T]]
	head   atomic.Uint64 // sequence number of the next item
	tail   atomic.Uint64 // sequence number of the oldest item
	start  atomic.Uint64 // 1 + sequence number of the newest start point, 0 if there is none
	closed atomic.Bool
	cause  error // why it was closed, nil for its end; set before closed

	limits Limits
	bytes  int
	starts []uint64    // the start points held, oldest first
	came   []time.Time // when they came
	past   int         // the index in starts of the last one found by passed
	hold   uint64      // items from here on are kept within the limits; 0 keeps what new readers need

	late atomic.Int32 // how many readers are behind on purpose: while there are any, one group of pictures more is kept
}

type ring[T any] struct {
	slots []atomic.Pointer[entry[T]]
}

func (r *ring[T]) slot(seq uint64) *atomic.Pointer[entry[T]] {
	return &r.slots[seq&uint64(len(r.slots)-1)]
}

type entry[T any] struct {
	seq   uint64
	size  uint32
	start bool
	value T
}

const firstRing = 128

// moment is how long an item is kept for the readers of now, within the limits: a writer that has got much at once gives all
// of it before any reader has a turn.
const moment = time.Second

// leeway is how long what takes no more than leewayBytes is kept: the start points of sound alone are a second apart, and who has
// no turn for longer on a busy machine is to lose none of it.
const (
	leeway      = 5 * time.Second
	leewayBytes = 128 << 10
)

// NewLog returns an empty log.
func NewLog[T any](limits Limits) *Log[T] {
	l := &Log[T]{limits: limits}
	l.ring.Store(&ring[T]{slots: make([]atomic.Pointer[entry[T]], firstRing)})
	return l
}

// Append adds an item of size bytes. A reader can begin at an item that is a start.
func (l *Log[T]) Append(value T, size int, start bool) {
	seq := l.head.Load()
	r := l.ring.Load()
	if seq-l.tail.Load() == uint64(len(r.slots)) {
		r = l.grow(r)
	}
	r.slot(seq).Store(&entry[T]{seq: seq, size: uint32(size), start: start, value: value})
	l.bytes += int(uint32(size))
	if start { // before the head: who sees the item is to know that it is a start
		l.starts, l.came = append(l.starts, seq), append(l.came, time.Now())
		l.start.Store(seq + 1)
	}
	l.head.Store(seq + 1)
	l.trim()
}

// grow doubles the ring. A reader that still looks into the old one finds nothing there and looks again.
func (l *Log[T]) grow(old *ring[T]) *ring[T] {
	r := &ring[T]{slots: make([]atomic.Pointer[entry[T]], 2*len(old.slots))}
	for seq := l.tail.Load(); seq < l.head.Load(); seq++ {
		r.slot(seq).Store(old.slot(seq).Load())
	}
	l.ring.Store(r)
	return r
}

// Head returns the sequence number of the next item.
func (l *Log[T]) Head() uint64 { return l.head.Load() }

// Hold keeps the items from seq on, as far as the limits let it, also when no new reader would begin there.
func (l *Log[T]) Hold(seq uint64) { l.hold = seq + 1 }

// Tail returns the sequence number of the oldest item.
func (l *Log[T]) Tail() uint64 { return l.tail.Load() }

// trim lets go of what lies before the last start point but one, and of what is over the limits.
func (l *Log[T]) trim() {
	keep := l.passed()
	if l.hold > 0 {
		keep = min(keep, l.hold-1)
	}
	head := l.head.Load()
	for seq := l.tail.Load(); seq < head; seq++ {
		over := l.bytes > l.limits.Bytes || head-seq > uint64(l.limits.Items)
		if seq >= keep && !over {
			break
		}
		l.drop(seq)
	}
}

// passed returns the last start point but one, if what is before it came a moment ago; else the last of which that is so. A
// reader that is behind on purpose may be a whole group of pictures behind already before its source has a hiccup.
func (l *Log[T]) passed() uint64 {
	last := len(l.starts) - 2
	if l.late.Load() > 0 {
		last--
	}
	if last <= 0 {
		return l.tail.Load()
	}
	before := l.came[len(l.came)-1].Add(-moment)
	if l.bytes <= leewayBytes {
		before = before.Add(moment - leeway)
	}
	for l.past < last && !l.came[l.past+1].After(before) {
		l.past++ // it is kept, as a writer of start points alone would be slowed down by all that it has written in a moment
	}
	if !l.came[l.past].After(before) {
		return l.starts[l.past]
	}
	return l.tail.Load()
}

// Size returns how many bytes the log holds.
func (l *Log[T]) Size() int { return l.bytes }

// Release lets go of the items before seq, which no reader needs any more, but for those with which a new reader begins.
func (l *Log[T]) Release(seq uint64) {
	if start := l.start.Load(); start > 0 {
		seq = min(seq, start-1)
	} else {
		return
	}
	if l.hold > 0 {
		seq = min(seq, l.hold-1)
	}
	l.Discard(seq)
}

// Discard lets go of the items before seq, also of those with which a new reader would begin.
func (l *Log[T]) Discard(seq uint64) {
	for at := l.tail.Load(); at < min(seq, l.head.Load()); at++ {
		l.drop(at)
	}
}

func (l *Log[T]) drop(seq uint64) {
	l.tail.Store(seq + 1)
	s := l.ring.Load().slot(seq)
	l.bytes -= int(s.Load().size)
	s.Store(nil)
	if len(l.starts) == 0 || l.starts[0] != seq {
		return
	}
	l.starts, l.came, l.past = l.starts[1:], l.came[1:], max(l.past-1, 0)
	if len(l.starts) == 0 {
		l.start.Store(0)
	}
}

// FromStart yields the items held from the newest start point on. It is for the goroutine that writes.
func (l *Log[T]) FromStart() iter.Seq2[T, bool] {
	return func(yield func(value T, start bool) bool) {
		first := l.start.Load()
		if first == 0 {
			return
		}
		for seq := first - 1; seq < l.head.Load(); seq++ {
			if e := l.get(seq); e == nil || !yield(e.value, e.start) {
				return
			}
		}
	}
}

// Since returns the items held from seq on. It is for the goroutine that writes.
func (l *Log[T]) Since(seq uint64) []T {
	var list []T
	for seq = max(seq, l.tail.Load()); seq < l.head.Load(); seq++ {
		list = append(list, l.get(seq).value)
	}
	return list
}

// Starts returns the sequence numbers of the start points held, oldest first. It is for the goroutine that writes, and
// holds until the next Append.
func (l *Log[T]) Starts() []uint64 { return l.starts }

// Close says that no item follows. The items held stay readable.
func (l *Log[T]) Close() { l.closed.Store(true) }

// Fail says that no item follows, because of err.
func (l *Log[T]) Fail(err error) {
	l.cause = err
	l.Close()
}

// end returns what ends the readers of a closed log.
func (l *Log[T]) end() error {
	if l.cause != nil {
		return l.cause
	}
	return io.EOF
}

// get returns item seq, or nil if the log does not hold it any more. seq is below the head.
func (l *Log[T]) get(seq uint64) *entry[T] {
	for {
		if e := l.ring.Load().slot(seq).Load(); e != nil && e.seq == seq {
			return e
		}
		if seq < l.tail.Load() {
			return nil
		}
	}
}

// Cursor is a place in a log. It is for one goroutine at a time.
type Cursor[T any] struct {
	log     *Log[T]
	next    uint64
	seeking bool // passing over items up to a start point
	begun   bool // has taken an item; what is passed over from then on is lost
	skipped uint64
}

// NewCursor returns a cursor at the newest start point, or at the next to come if there is none.
func NewCursor[T any](l *Log[T]) Cursor[T] {
	c := Cursor[T]{log: l}
	c.Restart()
	return c
}

// NewCursorAt returns a cursor at a start point.
func NewCursorAt[T any](l *Log[T], seq uint64) Cursor[T] {
	return Cursor[T]{log: l, next: seq, seeking: true}
}

// Restart moves the cursor to the newest start point, forward only.
func (c *Cursor[T]) Restart() {
	c.seeking = true
	to := c.log.head.Load()
	if s := c.log.start.Load(); s > c.next {
		to = s - 1
	}
	if to > c.next {
		c.pass(to - c.next)
	}
}

// peek returns the item that follows, or nil when there is none yet. A cursor that has fallen out of the log
// goes on at the newest start point; jumped says that it did, or that it begins.
func (c *Cursor[T]) peek() (e *entry[T], jumped bool) {
	for c.next < c.log.head.Load() {
		e = c.log.get(c.next)
		if e == nil {
			c.fall()
			continue
		}
		if c.seeking && !e.start {
			c.pass(1)
			continue
		}
		return e, c.seeking
	}
	return nil, false
}

// fall moves a cursor whose item is gone.
func (c *Cursor[T]) fall() {
	c.Restart()
	if tail := c.log.tail.Load(); tail > c.next {
		c.pass(tail - c.next)
	}
}

// pass moves over n items that are lost to the reader.
func (c *Cursor[T]) pass(n uint64) {
	c.next += n
	if c.begun {
		c.skipped += n
	}
}

// take passes over the item that peek returned.
func (c *Cursor[T]) take() {
	c.next++
	c.seeking = false
	c.begun = true
}

// ended reports whether the log is closed and the cursor at its end.
func (c *Cursor[T]) ended() bool {
	return c.log.closed.Load() && c.next >= c.log.head.Load()
}
