package rtsp

import (
	"errors"
	"net"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/sluice-media/sluice/media"
)

// datagramSocket is a UDP socket that can send many datagrams in one call, where the system does that.
type datagramSocket struct {
	conn *net.UDPConn
	raw  syscall.RawConn
	gso  atomic.Bool
}

func newDatagramSocket(conn *net.UDPConn) *datagramSocket {
	raw, err := conn.SyscallConn()
	s := &datagramSocket{conn: conn, raw: raw}
	s.gso.Store(canSegment && err == nil)
	return s
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

// busy reports whether err says that the socket or the device takes nothing now; lost is one of which nobody
// would know on a network either.
func busy(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOBUFS)
}

// sendErr is what a player is to make of the error of a datagram. A port at which nobody listens (yet) is no
// reason to end: the client's silence is.
func sendErr(err error) error {
	switch {
	case err == nil, errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EPERM):
		return nil
	case busy(err):
		return media.ErrBusy
	}
	return err
}

func portsOf(p [2]int) string { return strconv.Itoa(p[0]) + "-" + strconv.Itoa(p[1]) }

func pairName(p *portPair) string { return pair(p.port) }
