package fanout

import "sync/atomic"

// Gate stands between the writer of a log and one reader: the writer learns how far the reader has come, so that it can
// wait for it, and may take back what the reader has not taken. So is written what must not be skipped, such as a file.
type Gate struct {
	wake    chan struct{}
	next    atomic.Uint64
	dropped atomic.Uint64
}

// NewGate returns a gate for a reader of a log. It wakes the writer by wake, which should have room for one.
func NewGate(wake chan struct{}) *Gate { return &Gate{wake: wake} }

// Next returns the sequence number of the item that the reader takes next.
func (g *Gate) Next() uint64 { return max(g.next.Load(), g.dropped.Load()) }

// Drop takes back the items before next; the reader goes on at the start point that follows.
func (g *Gate) Drop(next uint64) { g.dropped.Store(next) }

// enter passes over what the gate has dropped; nothing of it counts as lost. A nil gate is of a writer that waits for
// nobody.
func (c *Cursor[T]) enter(g *Gate) {
	if g == nil {
		return
	}
	if to := g.dropped.Load(); to > c.next {
		c.next, c.seeking = to, true
	}
}

// leave tells the gate how far the reader has come.
func (c *Cursor[T]) leave(g *Gate) {
	if g == nil || g.next.Swap(c.next) == c.next {
		return
	}
	select {
	case g.wake <- struct{}{}:
	default:
	}
}
