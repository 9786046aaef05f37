// Package ports opens pairs of UDP ports for RTP and RTCP, which it leases of a [media.Server], and TCP ports.
package ports

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
)

// maxTries is how often the system is asked for a free port that is even.
const maxTries = 20

// What a system says of a port that somebody has: Windows has errors of its own, of which the second is of reserved ports.
const (
	windowsInUse    = syscall.Errno(10048)
	windowsReserved = syscall.Errno(10013)
)

var errOdd = errors.New("ports: the system gave an odd port")

// Pair is an even port for RTP and the next one for RTCP (RFC 3550, 11).
type Pair struct {
	RTP, RTCP *datagram.Socket
	Port      int    // that of RTP
	release   func() // ends the lease, if it has one of its own
}

// Close gives both ports back.
func (p *Pair) Close() {
	p.RTP.Close()
	p.RTCP.Close()
	if p.release != nil {
		p.release()
	}
}

// Lease opens a pair within span, the first and last port, that nobody else of m has, for IPv4 and IPv6 if ip is the zero value.
// The error is that of [media.Server.LeasePorts].
func Lease(m *media.Server, ip netip.Addr, span [2]int) (*Pair, error) {
	var pair *Pair
	release, err := m.LeasePorts(span, func(port int) (err error) {
		pair, err = Listen("udp", ip, port)
		return err
	})
	if err != nil {
		return nil, err
	}
	pair.release = release
	return pair, nil
}

// Free opens a pair of udp, udp4 or udp6 anywhere, that nobody else of m has.
func Free(m *media.Server, network string, ip netip.Addr) (*Pair, error) {
	var last error
	for range maxTries {
		pair, err := Listen(network, ip, 0)
		if err == nil {
			if pair.release, err = Claim(m, pair.Port); err == nil {
				return pair, nil
			}
			pair.Close()
		}
		if last = err; !errors.Is(err, errOdd) && !errors.Is(err, media.ErrPortTaken) && !errors.Is(err, media.ErrNoPorts) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%w: %w", media.ErrNoPorts, last)
}

// Claim leases the pair of an even port, and opens nothing.
func Claim(m *media.Server, port int) (release func(), err error) {
	return m.LeasePorts([2]int{port, port + 1}, func(int) error { return nil })
}

// Listen opens the pair of udp, udp4 or udp6 at a port, or at an even one that the system gives if port is 0, and leases nothing.
// The error wraps [media.ErrPortTaken] if somebody has one of them.
func Listen(network string, ip netip.Addr, port int) (*Pair, error) {
	first, err := listen(network, ip, port)
	if err != nil {
		return nil, err
	}
	at := first.LocalAddr().(*net.UDPAddr).Port // as every UDP socket's is
	if port == 0 && at%2 != 0 {
		first.Close()
		return nil, errOdd
	}
	second, err := listen(network, ip, at+1)
	if err != nil {
		first.Close()
		return nil, err
	}
	return &Pair{RTP: datagram.NewSocket(first), RTCP: datagram.NewSocket(second), Port: at}, nil
}

// ListenTCP listens at a port, and leases nothing. The error wraps [media.ErrPortTaken] if somebody has it.
func ListenTCP(ip netip.Addr, port int) (*net.TCPListener, error) {
	ln, err := net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
	if err != nil {
		return nil, failed(err)
	}
	return ln, nil
}

// failed is why a port could not be opened.
func failed(err error) error {
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsInUse) || errors.Is(err, windowsReserved) {
		return fmt.Errorf("ports: %w: %w", media.ErrPortTaken, err)
	}
	return fmt.Errorf("ports: %w", err)
}

func listen(network string, ip netip.Addr, port int) (*net.UDPConn, error) {
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port))))
	if err != nil {
		return nil, failed(err)
	}
	_ = conn.SetReadBuffer(2 << 20) // as much as the system allows
	_ = conn.SetWriteBuffer(2 << 20)
	return conn, nil
}
