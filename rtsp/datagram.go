package rtsp

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"syscall"

	"github.com/sluice-media/sluice/media"
)

// datagramSocket is a UDP socket that can send many datagrams in one call, where the system does that.
type datagramSocket struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	gso   atomic.Bool
	plain plainSocket // instead of conn and raw, if it is open
}

func newDatagramSocket(conn *net.UDPConn) *datagramSocket {
	raw, err := conn.SyscallConn()
	s := &datagramSocket{conn: conn, raw: raw}
	s.gso.Store(canSegment && err == nil)
	return s
}

// receive waits for a datagram. It returns net.ErrClosed when the socket is closed.
func (s *datagramSocket) receive(b []byte) (n int, from netip.AddrPort, err error) {
	if s.plain.isOpen() {
		return s.plain.receive(b)
	}
	return s.conn.ReadFromUDPAddrPort(b)
}

// close closes the socket. Of a plain one whoever receives must have been told by stop, and have ended.
func (s *datagramSocket) close() {
	if s.plain.isOpen() {
		s.plain.close()
		return
	}
	s.conn.Close()
}

// stop makes receive return.
func (s *datagramSocket) stop() {
	if s.plain.isOpen() {
		s.plain.stop()
		return
	}
	s.conn.Close()
}

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }

// busy reports whether err says that the socket or the device takes nothing now.
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

// destinations says where the packets of a channel go.
type destinations interface {
	destination(channel byte) *destination // nil: nowhere
}

// orNowhere is nil for the zero value.
func (d *destination) orNowhere() *destination {
	if d.socket == nil {
		return nil
	}
	return d
}

// sendChunks sends the runs in chunks and returns how many chunks it has sent.
func (b *batch) sendChunks(chunks [][]byte, to destinations) (n int, err error) {
	for i, chunk := range chunks {
		for len(chunk) > runHead {
			var channel byte
			var unit int
			var packets []byte
			channel, unit, packets, chunk = takeRun(chunk)
			if d := to.destination(channel); d != nil {
				if failed, err := b.add(d, packets, unit, i); err != nil {
					return failed, err
				}
			}
		}
	}
	if failed, err := b.flush(); err != nil {
		return failed, err
	}
	return len(chunks), nil
}

// send sends one datagram.
func (d *destination) send(packet []byte) error {
	b := newBatch()
	if _, err := b.add(d, packet, len(packet), 0); err != nil {
		return err
	}
	_, err := b.flush()
	return err
}
