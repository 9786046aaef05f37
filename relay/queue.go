package relay

import (
	"net/netip"
	"slices"
)

// queue is of the players that wait for a stream. A nil one is empty.
type queue struct {
	waiters []*waiter
	turns   map[netip.Prefix]int // how often those of a network have been next
}

// waiter is a player that waits.
type waiter struct {
	question
	requests []PullRequest
	from     netip.Prefix
}

// network is that of one customer: an address of IPv4, or what a provider gives out by IPv6.
func network(addr netip.Addr) netip.Prefix {
	bits := 64
	if addr = addr.Unmap(); addr.Is4() {
		bits = 32
	}
	p, err := addr.WithZone("").Prefix(bits)
	if err != nil { // there is no address
		return netip.Prefix{}
	}
	return p
}

// remove takes a player out, and reports whether he was in.
func (q *queue) remove(w *waiter) bool {
	if q == nil {
		return false
	}
	i := slices.Index(q.waiters, w)
	if i < 0 {
		return false
	}
	q.waiters = slices.Delete(q.waiters, i, i+1)
	if !slices.ContainsFunc(q.waiters, func(other *waiter) bool { return other.from == w.from }) {
		delete(q.turns, w.from)
	}
	return true
}

// asks reports whether a question is that of somebody.
func (q *queue) asks(asked question) bool {
	return q != nil && slices.ContainsFunc(q.waiters, func(w *waiter) bool { return w.question == asked })
}

// next returns who is next, of those whose question is open; nil if nobody is. It is the network that was next the fewest times, so that one with
// many bad tokens does not hold up others, and there who came first.
func (q *queue) next(open func(question) bool) (first *waiter) {
	if q == nil {
		return nil
	}
	for _, w := range q.waiters {
		if open(w.question) && (first == nil || q.turns[w.from] < q.turns[first.from]) {
			first = w
		}
	}
	if first != nil {
		q.turns[first.from]++
	}
	return first
}
