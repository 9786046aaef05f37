//go:build !linux

package datagram

import (
	"net"
	"net/netip"
)

// plainSocket is not needed here.
type plainSocket struct{}

func (plainSocket) isOpen() bool { return false }

func (*Socket) Detach() error { return nil }

func (plainSocket) receive([]byte) (n int, from netip.AddrPort, err error) {
	return 0, from, net.ErrClosed
}

func (plainSocket) stop() {}

func (plainSocket) close() {}
