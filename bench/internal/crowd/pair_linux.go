package crowd

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"unsafe"
)

const (
	// datagramBuffer holds what a newcomer gets at once, up to two seconds of media, and the kernel's own costs of it.
	datagramBuffer = 4 << 20
	pairTries      = 100
	batchSize      = 64
)

// pair is two UDP sockets at neighboring ports, RTP at the even one and RTCP (RFC 3550 section 11).
type pair struct {
	rtp, rtcp int
	port      int
}

// openPair opens a pair at ip. The system picks the ports until it is an even one with a free neighbor.
func openPair(ip net.IP) (*pair, error) {
	failure := errors.New("no free pair of ports")
	for range pairTries {
		rtp, port, err := openUDP(ip, 0)
		if err != nil {
			return nil, err
		}
		if port%2 == 0 {
			rtcp, _, err := openUDP(ip, port+1)
			if err == nil {
				return &pair{rtp, rtcp, port}, nil
			}
			failure = err
		}
		syscall.Close(rtp)
	}
	return nil, fmt.Errorf("crowd: UDP: %w", failure)
}

func (p *pair) close() {
	syscall.Close(p.rtp)
	syscall.Close(p.rtcp)
}

// openUDP opens a socket the Go runtime does not know of, for the same reason as conn.
func openUDP(ip net.IP, port int) (fd, bound int, err error) {
	family, at := sockaddr(&net.TCPAddr{IP: ip, Port: port})
	fd, err = syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		return 0, 0, os.NewSyscallError("socket", err)
	}
	if bound, err = bind(fd, at); err != nil {
		syscall.Close(fd)
		return 0, 0, err
	}
	return fd, bound, nil
}

func bind(fd int, at syscall.Sockaddr) (int, error) {
	// Only root may have more than net.core.rmem_max; others get that.
	if syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUFFORCE, datagramBuffer) != nil {
		if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, datagramBuffer); err != nil {
			return 0, os.NewSyscallError("setsockopt", err)
		}
	}
	if err := syscall.Bind(fd, at); err != nil {
		return 0, os.NewSyscallError("bind", err)
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *syscall.SockaddrInet4:
		return name.Port, nil
	case *syscall.SockaddrInet6:
		return name.Port, nil
	}
	return 0, errors.New("crowd: no UDP port")
}

// batch is the room for the heads of many datagrams, struct mmsghdr of recvmmsg(2). There is none for their bytes.
type batch struct {
	heads [batchSize]struct {
		head  syscall.Msghdr
		bytes uint32
	}
}

// drop throws away what waits in the socket and returns how many bytes that was. With MSG_TRUNC, udp(7), the kernel
// tells the whole length of a datagram that it does not copy.
func (b *batch) drop(fd int) int { return b.each(fd, func(int) {}) }

// each is drop that calls visit for each datagram.
func (b *batch) each(fd int, visit func(i int)) int {
	sum := 0
	for {
		n, _, errno := syscall.Syscall6(syscall.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.heads[0])), batchSize,
			syscall.MSG_TRUNC|syscall.MSG_DONTWAIT, 0, 0)
		if errno == syscall.EINTR {
			continue
		}
		if errno != 0 {
			return sum
		}
		for i := range n {
			sum += int(b.heads[i].bytes)
			visit(int(i))
		}
		if n < batchSize {
			return sum
		}
	}
}
