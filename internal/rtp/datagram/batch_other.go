//go:build !linux

package datagram

import (
	"net/netip"
	"syscall"
)

func canSegment(syscall.RawConn) bool { return false }

// Destination is an address as one socket sends to it.
type Destination struct {
	socket *Socket
	addr   netip.AddrPort
}

// NewDestination returns to as s sends to it.
func NewDestination(s *Socket, to netip.AddrPort) Destination {
	return Destination{socket: s, addr: to}
}

// To is the address.
func (d *Destination) To() netip.AddrPort { return d.addr }

// Batch sends runs of datagrams. Here each goes out by itself.
type Batch struct{}

// NewBatch returns an empty batch.
func NewBatch() *Batch { return &Batch{} }

// add sends a run.
func (*Batch) add(r *run) {
	for rest := r.packets; len(rest) > 0; {
		n := min(r.unit, len(rest))
		_, err := r.to.socket.conn.WriteToUDPAddrPort(rest[:n], r.to.addr)
		if err := sendErr(err); err != nil {
			r.fail(err)
			return
		}
		rest = rest[n:]
	}
}

// Flush has nothing to do.
func (*Batch) Flush() {}
