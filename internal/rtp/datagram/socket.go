// Package datagram sends runs of UDP datagrams for less than a system call each, where the system can.
package datagram

import (
	"net"
	"net/netip"
	"syscall"
)

// Socket is a UDP socket that can send many datagrams in one call, where the system does that.
type Socket struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	plain plainSocket // instead of conn and raw, if it is open
	gso   bool        // one call sends a run of datagrams
}

// NewSocket returns a Socket that takes over conn.
func NewSocket(conn *net.UDPConn) *Socket {
	raw, err := conn.SyscallConn()
	return &Socket{conn: conn, raw: raw, gso: err == nil && canSegment(raw)}
}

// Conn returns the connection, which is nil after Detach.
func (s *Socket) Conn() *net.UDPConn { return s.conn }

// Receive waits for a datagram. It returns net.ErrClosed when the socket is closed.
func (s *Socket) Receive(b []byte) (n int, from netip.AddrPort, err error) {
	if s.plain.isOpen() {
		return s.plain.receive(b)
	}
	return s.conn.ReadFromUDPAddrPort(b)
}

// Close closes the socket. Of a plain one whoever receives must have been told by Stop, and have ended.
func (s *Socket) Close() {
	if s.plain.isOpen() {
		s.plain.close()
		return
	}
	s.conn.Close()
}

// Stop makes Receive return.
func (s *Socket) Stop() {
	if s.plain.isOpen() {
		s.plain.stop()
		return
	}
	s.conn.Close()
}
