package media

import (
	"errors"
	"fmt"
	"sync"

	"github.com/sluice-media/sluice/internal/elastic"
)

var (
	// ErrNoPorts is what [Server.LeasePorts] answers when no pair of ports is free.
	ErrNoPorts = errors.New("media: no pair of UDP ports is free")
	// ErrPortTaken is what open answers there, wrapped or not, if somebody outside of the server has the port.
	ErrPortTaken = errors.New("media: the port is taken")
)

// portLedger is which pairs of UDP ports are leased.
type portLedger struct {
	mu     sync.Mutex
	leased elastic.Map[int, bool] // by the even port
	next   int                    // where the search goes on
}

// LeasePorts finds a pair of UDP ports, an even one for RTP and the next for RTCP (RFC 3550, 11), that nobody else of
// this server has leased: neither another protocol, nor another server of one. span is the first and the last port it
// may be. open opens the pair of an even port. A port of which it answers ErrPortTaken is passed over; any other error
// ends the search and is returned. release gives the pair back, once or more; close the sockets before. The error wraps
// ErrNoPorts if no pair is free, at once if all are leased.
func (s *Server) LeasePorts(span [2]int, open func(port int) error) (release func(), err error) {
	l, first, pairs := &s.ports, span[0]+span[0]&1, 0
	if span[0] > 0 && span[1] <= 65535 {
		pairs = max((span[1]-first+1)/2, 0)
	}
	taken, begin := 0, l.turn()
	for at := begin; at < begin+pairs; at++ {
		port := first + 2*(at%pairs)
		if !l.take(port, at) {
			continue
		}
		if err = guard("what opens ports", func() error { return open(port) }); err == nil {
			return sync.OnceFunc(func() { l.give(port) }), nil
		}
		l.give(port)
		if !errors.Is(err, ErrPortTaken) {
			return nil, err
		}
		taken++
	}
	return nil, fmt.Errorf("%w from %d to %d: of %d, others have %d, and the rest is leased", ErrNoPorts, span[0], span[1], pairs, taken)
}

// turn returns where a search begins: behind the last one, so that a pair rests before it is used again.
func (l *portLedger) turn() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

// take leases a pair if nobody has. at is where it is in the search.
func (l *portLedger) take(port, at int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leased.Get(port) {
		return false
	}
	l.leased.Set(port, true)
	l.next = at + 1
	return true
}

// give takes a lease back.
func (l *portLedger) give(port int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.leased.Delete(port)
}
