package gate

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// settle is what requests have that were let through, to be taken up by the stack, before it forgets who sent them.
const settle = 100 * time.Millisecond

// maxFailures of a socket one after another are for good.
const maxFailures = 100

// Serve has serve, which is the stack, read conn through the gate, again and again until conn is closed. Its error is then
// net.ErrClosed.
func (g *Gate) Serve(conn net.PacketConn, serve func(net.PacketConn) error) error {
	for {
		p := &packets{PacketConn: conn, gate: g, seen: map[netip.AddrPort]struct{}{}}
		if err := serve(p); err != nil {
			return err
		}
		if p.err != nil {
			return p.err
		}
	}
}

// packets is a socket as the stack reads it, until there are too many senders.
type packets struct {
	net.PacketConn
	gate *Gate
	seen map[netip.AddrPort]struct{}
	err  error // of the socket
	// failures of the socket one after another.
	failures int
}

// ReadFrom implements [net.PacketConn].
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		if len(p.seen) >= maxSenders {
			time.Sleep(settle)
			return 0, nil, net.ErrClosed // to the stack; see Serve
		}
		n, addr, err := p.PacketConn.ReadFrom(b)
		if errors.Is(err, net.ErrClosed) || err != nil && p.failures == maxFailures {
			p.err = err
			return 0, nil, net.ErrClosed
		}
		if err != nil { // what the system tells of one datagram, such as that it was too long
			p.failures++
			continue
		}
		p.failures = 0
		from := addrPort(addr)
		if !p.gate.admit(from, n) {
			continue
		}
		p.seen[from] = struct{}{}
		return n, addr, nil
	}
}
