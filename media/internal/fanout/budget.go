package fanout

import "sync/atomic"

// Budget bounds the bytes of all mirrors that share it. The zero value allows none, a nil one any number. Its methods may
// be called from any goroutine.
type Budget struct{ limit, used atomic.Int64 }

// Set sets the limit. What is over it stays until it is let go.
func (b *Budget) Set(limit int) { b.limit.Store(int64(max(limit, 0))) }

// Used returns how many bytes are mirrored.
func (b *Budget) Used() int { return int(b.used.Load()) }

// take reserves n bytes, unless that is too many.
func (b *Budget) take(n int) bool {
	if b == nil || b.used.Add(int64(n)) <= b.limit.Load() {
		return true
	}
	b.give(n)
	return false
}

// give gives n bytes back.
func (b *Budget) give(n int) {
	if b != nil {
		b.used.Add(-int64(n))
	}
}
