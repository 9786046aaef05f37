// Package connlimit bounds how many connections are open at a time, in all and of one address.
package connlimit

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits are how many connections may be open at a time. 0 means any number.
type Limits struct {
	All        int
	PerAddress int // an IPv6 address stands for its /64, which is what a network gives to one subscriber
}

// Limiter counts the connections of all listeners that it was given. Its methods may be called from any goroutine.
type Limiter struct {
	log *slog.Logger

	mu      sync.Mutex
	limits  Limits
	open    int
	of      map[netip.Addr]int // by who owns the address; those without any are not here
	refused refusals
}

// refusals are those that the log has not been told of.
type refusals struct {
	n    int
	told time.Time
	why  string
	peer net.Addr // the last
}

// reportEvery is how often the log is told of refusals at most.
const reportEvery = time.Second

// New returns a limiter that tells log of what it refuses.
func New(log *slog.Logger, limits Limits) *Limiter {
	return &Limiter{log: log, limits: limits, of: map[netip.Addr]int{}}
}

// Set changes the limits. Connections that are open stay so, however many they are.
func (l *Limiter) Set(limits Limits) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limits = limits
}

// Open returns how many connections are open.
func (l *Limiter) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// enter counts a connection, unless there are too many.
func (l *Limiter) enter(peer net.Addr) (owner netip.Addr, ok bool) {
	owner = ownerOf(peer)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.limits.All > 0 && l.open >= l.limits.All:
		l.refuse("too many connections", peer)
		return owner, false
	case l.limits.PerAddress > 0 && l.of[owner] >= l.limits.PerAddress:
		l.refuse("too many connections of one address", peer)
		return owner, false
	}
	l.open++
	if owner.IsValid() {
		l.of[owner]++
	}
	l.report()
	return owner, true
}

// leave ends what enter began.
func (l *Limiter) leave(owner netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if owner.IsValid() {
		if l.of[owner]--; l.of[owner] == 0 {
			delete(l.of, owner)
		}
	}
	l.report()
}

// refuse notes a refusal. l.mu is held.
func (l *Limiter) refuse(why string, peer net.Addr) {
	l.refused.n++
	l.refused.why, l.refused.peer = why, peer
	l.report()
}

// report tells of refusals, but not too often: whoever is refused may try again at once. l.mu is held.
func (l *Limiter) report() {
	r := &l.refused
	if r.n == 0 || time.Since(r.told) < reportEvery {
		return
	}
	l.log.Warn("connections refused", "why", r.why, "number", r.n, "last", fmt.Sprint(r.peer), "open", l.open)
	*r = refusals{told: time.Now()}
}

// ownerOf is the owner of a peer's address. It is not valid for peers that have none.
func ownerOf(a net.Addr) netip.Addr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	return Owner(tcp.AddrPort().Addr())
}

// Owner is who counts as one: an IPv4 address, or the network of an IPv6 address.
func Owner(addr netip.Addr) netip.Addr {
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		if network, err := addr.Prefix(64); err == nil {
			return network.Addr()
		}
	}
	return addr
}
