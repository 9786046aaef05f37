package fanout

import "reflect"

const (
	// maxBuffers bounds the pieces of one system call.
	maxBuffers = 16
	// maxItems bounds the items of one system call.
	maxItems = 512
	// maxWrite bounds the bytes of one system call, so that one reader that catches up does not hold up a loop.
	maxWrite = 256 << 10
)

// Scratch is the memory that assembling one write takes, and what sinks have not sent yet. Each loop has its own.
type Scratch struct {
	bufs  [maxBuffers][]byte
	n     int // bufs used
	items [maxItems]place
	taken int // items used
	size  int // bytes in bufs
	vec   vector
	front int    // bytes in front of the first item and its intro
	from  *Intro // what the reader had before
	jump  bool   // the first item does not follow what the reader had

	mem []byte // where the last buffer lies, if it is an item
	end int

	batch  Batch        // of sinks, nil before the first
	kind   reflect.Type // of these sinks
	queued []*SinkFeed  // whose chunks it has
	spare  []*SinkFeed
}

// place is where an item begins in a write.
type place struct {
	seq uint64
	pos int
}

func (s *Scratch) reset() {
	clear(s.bufs[:s.n])
	s.n, s.taken, s.size, s.mem = 0, 0, 0, nil
	s.front, s.from, s.jump = 0, nil, false
}

// settle sends what sinks have left in the batch, until none has more.
func (s *Scratch) settle() {
	for len(s.queued) > 0 {
		err := s.flush()
		queued := s.queued
		s.queued = s.spare[:0]
		for _, f := range queued {
			if err != nil {
				f.suspect(s, err, len(queued))
			} else {
				f.settle(s)
			}
		}
		clear(queued)
		s.spare = queued
	}
}

// flush sends the batch. One that panics is not used again.
func (s *Scratch) flush() (err error) {
	if s.batch == nil {
		return nil
	}
	defer func() {
		if err != nil {
			s.batch = nil
		}
	}()
	defer Catch(&err)
	s.batch.Flush()
	return nil
}

// take makes the batch one for sinks of a kind: what others have left is sent first, so that each kind answers for its
// own.
func (s *Scratch) take(kind reflect.Type) {
	if s.kind != kind {
		s.settle()
		s.batch, s.kind = nil, kind
	}
}

// full reports whether this write has no room for an item and its intro.
func (s *Scratch) full() bool {
	return s.n > maxBuffers-2 || s.taken == maxItems || s.size >= maxWrite
}

// addBytes adds bytes that belong to no item.
func (s *Scratch) addBytes(b []byte) {
	s.bufs[s.n] = b
	s.n++
	s.size += len(b)
	s.mem = nil
}

// addItem adds an item: to the last buffer if it lies right behind it.
func (s *Scratch) addItem(seq uint64, it *Item) {
	s.items[s.taken] = place{seq: seq, pos: s.size}
	s.taken++
	if it.follows(s.mem, s.end) {
		last := &s.bufs[s.n-1]
		*last = (*last)[:len(*last)+it.end-it.off]
	} else {
		s.bufs[s.n] = it.mem[it.off:it.end]
		s.n++
	}
	s.mem, s.end = it.mem, it.end
	s.size += it.end - it.off
}

// cut says what must follow n bytes of the write, so that no item is torn: the rest of what n lies in, which is a part
// of the buffer and no copy, and next, the first item that has not begun; ok says there is one.
func (s *Scratch) cut(n int) (rest []byte, next uint64, ok bool) {
	end := s.size
	for _, it := range s.items[:s.taken] {
		if it.pos >= n {
			end, next, ok = it.pos, it.seq, true
			break
		}
	}
	if n < end && !s.before(n) {
		rest = s.piece(n, end)
	}
	return rest, next, ok
}

// before reports whether a write that ends at n has nothing of an intro and what it introduces.
func (s *Scratch) before(n int) bool { return s.jump && n == s.front }

// piece returns the bytes from..to, as far as they lie in one buffer.
func (s *Scratch) piece(from, to int) []byte {
	pos := 0
	for _, b := range s.bufs[:s.n] {
		if from < pos+len(b) {
			to = min(to-pos, len(b))
			return b[from-pos : to : to]
		}
		pos += len(b)
	}
	return nil
}
