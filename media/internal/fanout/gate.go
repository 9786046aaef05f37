package fanout

import (
	"sync"
	"sync/atomic"
)

// Gate stands between the writer of a log and one reader: the writer learns how far the reader has come, so that it can
// wait for it, and may take back what the reader has not taken. So is written what must not be skipped, such as a file.
type Gate struct {
	wake    chan struct{}
	next    atomic.Uint64
	dropped atomic.Uint64
	mu      sync.Mutex // held while the reader takes items, until it knows which of them go out
}

// NewGate returns a gate for a reader of a log. It wakes the writer by wake, which should have room for one.
func NewGate(wake chan struct{}) *Gate { return &Gate{wake: wake} }

// Next returns the sequence number of the item that the reader takes next.
func (g *Gate) Next() uint64 { return max(g.next.Load(), g.dropped.Load()) }

// Drop takes back the items before next that the reader has not taken, and returns the first of them; the reader goes on at
// the start point that follows. It waits for a reader that is taking some, which is never long.
func (g *Gate) Drop(next uint64) (first uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	first = g.Next()
	g.dropped.Store(next)
	return first
}

// enter begins to take items, and passes over what the gate has dropped; nothing of it counts as lost. leave must follow.
// A nil gate is of a writer that waits for nobody.
func (c *Cursor[T]) enter(g *Gate) {
	if g == nil {
		return
	}
	g.mu.Lock()
	if to := g.dropped.Load(); to > c.next {
		c.next, c.seeking = to, true
	}
}

// leave tells the gate how far the reader has come.
func (c *Cursor[T]) leave(g *Gate) {
	if g == nil {
		return
	}
	before := g.next.Swap(c.next)
	g.mu.Unlock()
	if before == c.next {
		return
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
