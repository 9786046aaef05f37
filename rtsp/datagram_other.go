//go:build !linux

package rtsp

import "net/netip"

const canSegment = false

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

// add sends a run. chunk is the number of the chunk it is of, which it returns with an error.
func (*batch) add(to *destination, packets []byte, unit, chunk int) (failed int, err error) {
	for len(packets) > 0 {
		n := min(unit, len(packets))
		_, err := to.socket.conn.WriteToUDPAddrPort(packets[:n], to.addr)
		if err := sendErr(err); err != nil {
			return chunk, err
		}
		packets = packets[n:]
	}
	return 0, nil
}

func (*batch) flush() (failed int, err error) { return 0, nil }
