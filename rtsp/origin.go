package rtsp

import (
	"net/netip"
	"sync/atomic"
)

// origin is where the datagrams come from that count, of all that come to a socket: one address and port. It is for the
// goroutine that reads the socket.
type origin struct {
	addr  netip.Addr // of the peer; not valid if nobody knows, as of a multicast group
	named uint16     // the port that the peer has said it sends from; 0 if it has not
	with  *origin    // that of RTP, if this is RTCP of which no more is known than that it comes from the same address

	bound atomic.Pointer[netip.AddrPort] // nil before the first datagram
}

// takes reports whether a datagram from an address counts. The port that was named does at any time, and no other after
// it. Until then it is the first port that sends, for address translation changes ports.
func (o *origin) takes(from netip.AddrPort) bool {
	from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
	bound := o.bound.Load()
	if bound != nil && *bound == from {
		return true
	}
	if addr := o.address(); addr.IsValid() && addr != from.Addr() || o.with != nil && !addr.IsValid() {
		return false
	}
	if bound == nil || o.named != 0 && from.Port() == o.named {
		o.bound.Store(&from)
		return true
	}
	return false
}

// address is the one that datagrams must come from, if it is known.
func (o *origin) address() netip.Addr {
	if o.with == nil {
		return o.addr
	}
	if bound := o.with.bound.Load(); bound != nil {
		return bound.Addr()
	}
	return netip.Addr{}
}
