//go:build !linux

package rtsp

import (
	"net/netip"
	"syscall"
)

func canSegment(syscall.RawConn) bool { return false }

// destination is an address as one socket sends to it.
type destination struct {
	socket *datagramSocket
	addr   netip.AddrPort
}

func newDestination(s *datagramSocket, to netip.AddrPort) destination {
	return destination{socket: s, addr: to}
}

// to is the address.
func (d *destination) to() netip.AddrPort { return d.addr }

// batch sends runs of datagrams. Here each goes out by itself.
type batch struct{}

func newBatch() *batch { return &batch{} }

// add sends a run.
func (*batch) add(r *run) {
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
func (*batch) Flush() {}
