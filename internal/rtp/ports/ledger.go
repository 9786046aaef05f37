// Package ports leases pairs of UDP ports for RTP and RTCP.
package ports

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// ErrNone says that no pair of ports is free.
var ErrNone = errors.New("ports: no pair of ports is free")

// Ledger leases pairs of ports out of ranges, which several servers and senders can share. The zero value is ready;
// its methods may be called from any goroutine.
type Ledger struct {
	mu   sync.Mutex
	next int // where the search in a range goes on
}

// Lease opens a pair whose ports are within span, the first and last port. Closing the pair ends the lease. The error
// wraps [ErrNone] if none is free.
func (l *Ledger) Lease(ip net.IP, span [2]int) (*Pair, error) {
	pairs := (span[1] - span[0]) / 2
	for range pairs {
		port := (span[0]+1)&^1 + 2*(l.turn()%pairs)
		if port+1 > span[1] {
			continue
		}
		if pair, err := Listen("udp", ip, port); err == nil {
			return pair, nil
		}
	}
	return nil, fmt.Errorf("%w from %d to %d", ErrNone, span[0], span[1])
}

func (l *Ledger) turn() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	return l.next - 1
}
