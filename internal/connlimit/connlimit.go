// Package connlimit bounds how many connections are open at a time, in all and of one address.
package connlimit

import (
	"log/slog"
	"net"
	"net/netip"
	"sync"

	"github.com/sluice-media/sluice/internal/elastic"
)

// Limits are how many connections may be open at a time. 0 means any number.
type Limits struct {
	All        int
	PerAddress int // an IPv6 address stands for its /64, which is what a network gives to one subscriber
}

// Limiter counts the connections of all listeners that it was given. When one comes that is too many, the oldest that
// nobody has settled gives way; if all are settled, the new one is refused. Its methods may be called from any goroutine.
type Limiter struct {
	mu        sync.Mutex
	limits    Limits
	open      int
	of        elastic.Map[netip.Addr, *owner] // those without an address are not here
	waiting   queue                           // connections that nobody has settled
	unsettled elastic.Map[ends, *seat]        // the same, by their addresses
	refused   notice
	gaveWay   notice
}

// owner is who has some of the connections.
type owner struct {
	open    int
	waiting queue
}

// New returns a limiter that tells log of what it refuses.
func New(log *slog.Logger, limits Limits) *Limiter {
	return &Limiter{
		limits:  limits,
		refused: notice{log: log, text: "connections refused"},
		gaveWay: notice{log: log, text: "connections gave way to others, having neither played, published nor logged in"},
	}
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

// Settle says that a connection is used by somebody who may: it gives way to nobody any more.
func (l *Limiter) Settle(local, remote net.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.unsettled.Get(endsOf(local, remote)); s != nil {
		s.gone = nil
		l.unqueue(s)
	}
}

// Tell makes a connection that nobody has settled call gone, which must not wait for anything, when it gives way, and no
// longer what it was given before.
func (l *Limiter) Tell(local, remote net.Addr, gone func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s := l.unsettled.Get(endsOf(local, remote)); s != nil {
		s.gone = gone
	}
}

// enter counts a connection, unless there are too many that cannot give way.
func (l *Limiter) enter(c net.Conn) (s *seat, ok bool) {
	s = &seat{limiter: l, conn: c, owner: ownerOf(c.RemoteAddr())}
	gone, ok := l.sit(s)
	for _, other := range gone {
		other.dismiss()
	}
	return s, ok
}

// sit gives s its place. Those of gone have lost theirs, at most one for each limit.
func (l *Limiter) sit(s *seat) (gone []*seat, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := l.of.Get(s.owner)
	if o == nil {
		o = &owner{}
	}
	peer := s.conn.RemoteAddr()
	if l.limits.PerAddress > 0 && o.open >= l.limits.PerAddress {
		if gone, ok = l.give(gone, o.waiting.first, "too many connections of one address", peer); !ok {
			return nil, false
		}
	}
	if l.limits.All > 0 && l.open >= l.limits.All {
		if gone, ok = l.give(gone, l.waiting.first, "too many connections", peer); !ok {
			return gone, false
		}
	}
	l.open++
	if s.owner.IsValid() {
		o.open++
		l.of.Set(s.owner, o)
		l.enqueue(s, o)
	}
	l.report()
	return gone, true
}

// give takes the place of the oldest, for whom there is none if all are settled. l.mu is held.
func (l *Limiter) give(gone []*seat, oldest *seat, why string, peer net.Addr) ([]*seat, bool) {
	if oldest == nil {
		l.refused.add(why, peer)
		l.report()
		return gone, false
	}
	l.gaveWay.add(why, oldest.conn.RemoteAddr())
	l.leave(oldest)
	return append(gone, oldest), true
}

// enqueue makes a seat wait to be settled. Of two with the same addresses the newer is found by them: after a reset the
// system lets a client connect again from the same port while here nobody has noticed. l.mu is held.
func (l *Limiter) enqueue(s *seat, o *owner) {
	s.waiting = true
	l.waiting.add(s, ofAll)
	o.waiting.add(s, ofOwner)
	l.unsettled.Set(s.ends(), s)
}

// unqueue ends what enqueue began. l.mu is held.
func (l *Limiter) unqueue(s *seat) {
	if !s.waiting {
		return
	}
	s.waiting = false
	l.waiting.remove(s, ofAll)
	l.of.Get(s.owner).waiting.remove(s, ofOwner)
	if l.unsettled.Get(s.ends()) == s {
		l.unsettled.Delete(s.ends())
	}
}

// leave takes a seat away, once. l.mu is held.
func (l *Limiter) leave(s *seat) {
	if s.left {
		return
	}
	s.left = true
	l.unqueue(s)
	l.open--
	if s.owner.IsValid() {
		o := l.of.Get(s.owner)
		if o.open--; o.open == 0 {
			l.of.Delete(s.owner)
		}
	}
	l.report()
}

// report tells of what was refused or gave way, but not too often: whoever is refused may try again at once. l.mu is held.
func (l *Limiter) report() {
	l.refused.tell(l.open)
	l.gaveWay.tell(l.open)
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
