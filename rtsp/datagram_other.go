//go:build !linux

package rtsp

import "net/netip"

const canSegment = false

// destination is an address as one socket sends to it.
type destination struct {
	socket *datagramSocket
	to     netip.AddrPort
}

func newDestination(s *datagramSocket, to netip.AddrPort) *destination {
	return &destination{socket: s, to: to}
}

// send sends packets: datagrams of unit bytes, but for the last.
func (d *destination) send(packets []byte, unit int) error {
	for len(packets) > 0 {
		n := min(unit, len(packets))
		_, err := d.socket.conn.WriteToUDPAddrPort(packets[:n], d.to)
		if err := sendErr(err); err != nil {
			return err
		}
		packets = packets[n:]
	}
	return nil
}
