// Package gate stands between strangers and a SIP stack: it bounds what the stack keeps of them.
//
// The stack keeps each request by UDP for 32 s (RFC 3261, timer J), and the address of each sender of a datagram for as long as
// the socket is read. So a gate lets through only so many requests of an address at a time and so many of all, and has the
// socket read anew before there are too many addresses.
package gate

import (
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of a gate. They are many times what cameras need.
const (
	// burst requests of an address at once, and then rate a second.
	burst, rate = 512, 64
	// maxAddresses that are counted. When there are more, strangers wait until others are quiet.
	maxAddresses = 4096
	// maxRequests is how many may be open at a time, of all.
	maxRequests = 8192
	// maxStranger is how long a datagram may be of who is not known, in bytes.
	maxStranger = 8 << 10
	// maxSenders is how many addresses the stack may have seen before the socket is read anew.
	maxSenders = 1 << 16
)

// Gate decides what is let through. Its methods may be called from any goroutine.
type Gate struct {
	now   func() time.Time
	known func(netip.AddrPort) bool

	mu     sync.Mutex
	peers  map[netip.Addr]*bucket
	forgot time.Time // when who is quiet was forgotten last
	open   int
	shut   bool
}

// bucket says how many requests an address may still send.
type bucket struct {
	left float64
	at   time.Time
}

// New returns a gate. known reports whether an address is that of a device that has registered: of such ones datagrams of any
// length are taken, and although there are many requests.
func New(known func(netip.AddrPort) bool) *Gate {
	return &Gate{now: time.Now, known: known, peers: map[netip.Addr]*bucket{}}
}

// Begin counts a request that the stack keeps; end is called when it does not any more.
func (g *Gate) Begin() (end func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open++
	return sync.OnceFunc(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.open--
	})
}

// Shut lets nothing through any more. It returns when the stack has taken up what was: of a request that it takes up after its
// sockets are closed it would open another.
func (g *Gate) Shut() {
	g.mu.Lock()
	g.shut = true
	g.mu.Unlock()
	time.Sleep(settle)
}

// admit reports whether a datagram of so many bytes may pass.
func (g *Gate) admit(from netip.AddrPort, size int) bool {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	known := g.known(from)
	if !known && size > maxStranger {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut || g.open >= 2*maxRequests || !known && g.open >= maxRequests {
		return false
	}
	return g.spend(from.Addr(), known)
}

// spend takes one of the requests that an address may send. g.mu is held.
func (g *Gate) spend(addr netip.Addr, known bool) bool {
	now := g.now()
	b := g.peers[addr]
	if b == nil {
		if len(g.peers) >= maxAddresses && now.Sub(g.forgot) >= time.Second { // it is much to look through
			g.forgot = now
			g.forget(now)
		}
		if len(g.peers) >= maxAddresses {
			return known
		}
		b = &bucket{left: burst, at: now}
		g.peers[addr] = b
	}
	b.fill(now)
	if b.left < 1 {
		return false
	}
	b.left--
	return true
}

func (b *bucket) fill(now time.Time) {
	b.left = min(burst, b.left+rate*now.Sub(b.at).Seconds())
	b.at = now
}

// forget forgets who has been quiet for so long that it may send as much as a new one. g.mu is held.
func (g *Gate) forget(now time.Time) {
	for addr, b := range g.peers {
		if b.fill(now); b.left == burst {
			delete(g.peers, addr)
		}
	}
}

// addrPort returns the address of a peer.
func addrPort(a net.Addr) netip.AddrPort {
	if u, ok := a.(*net.UDPAddr); ok {
		return u.AddrPort()
	}
	ap, _ := netip.ParseAddrPort(a.String()) // the zero value is an address like others
	return ap
}
