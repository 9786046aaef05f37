package datagram

import (
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// plainSocket is a UDP socket that the Go runtime does not know of. The runtime would have the kernel tell it of
// every datagram that has left one of its sockets, which takes a third of the processor time of sending. What comes
// is waited for by a goroutine that holds a thread, so it is for the few sockets that many players share.
type plainSocket struct {
	fd      int // 0: not open
	stopped atomic.Bool
}

func (p *plainSocket) isOpen() bool { return p.fd > 0 }

// Detach makes the socket a plain one.
func (s *Socket) Detach() error {
	fd, failed := -1, error(nil)
	err := s.raw.Control(func(old uintptr) {
		fd, failed = unix.FcntlInt(old, syscall.F_DUPFD_CLOEXEC, 3)
	})
	if err == nil {
		err = failed
	}
	if err == nil {
		err = syscall.SetNonblock(fd, false) // sending says for itself that it does not wait
	}
	if err != nil {
		return fmt.Errorf("datagram: %w", err)
	}
	s.conn.Close()
	s.conn, s.raw, s.plain.fd = nil, nil, fd
	return nil
}

func (p *plainSocket) receive(b []byte) (n int, from netip.AddrPort, err error) {
	n, name, err := syscall.Recvfrom(p.fd, b, 0)
	if p.stopped.Load() {
		return 0, from, net.ErrClosed
	}
	switch a := name.(type) {
	case *syscall.SockaddrInet4:
		from = netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		from = netip.AddrPortFrom(netip.AddrFrom16(a.Addr), uint16(a.Port))
	}
	return n, from, err
}

// stop wakes whoever receives, for good.
func (p *plainSocket) stop() {
	p.stopped.Store(true)
	_ = syscall.Shutdown(p.fd, syscall.SHUT_RDWR) // it says that there is no connection, and wakes all the same
}

func (p *plainSocket) close() { _ = syscall.Close(p.fd) }
