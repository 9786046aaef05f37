package rtsp

import (
	"errors"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/sluice-media/sluice/media"
)

// datagramSocket is a UDP socket that can send many datagrams in one call, where the system does that.
type datagramSocket struct {
	conn  *net.UDPConn
	raw   syscall.RawConn
	plain plainSocket // instead of conn and raw, if it is open
	gso   bool        // one call sends a run of datagrams
}

func newDatagramSocket(conn *net.UDPConn) *datagramSocket {
	raw, err := conn.SyscallConn()
	return &datagramSocket{conn: conn, raw: raw, gso: err == nil && canSegment(raw)}
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

// delivery is what became of chunks that were put into a batch. It is for the goroutine that has the batch.
type delivery struct {
	chunks, bytes int // sent before err
	err           error
}

// run is equal datagrams to one address; the last may be shorter.
type run struct {
	to      *destination
	packets []byte
	unit    int

	of            *delivery
	chunk, before int // what of was sent before
}

// fail notes that a run could not be sent; what follows of the same chunks is left out.
func (r *run) fail(err error) { *r.of = delivery{r.chunk, r.before, err} }

// put adds the runs in chunks. d is theirs until the batch is flushed.
func (b *batch) put(chunks [][]byte, to destinations, d *delivery) {
	*d = delivery{}
	bytes := 0
	for i, chunk := range chunks {
		before := bytes
		bytes += len(chunk)
		for len(chunk) > runHead {
			r := run{of: d, chunk: i, before: before}
			var channel byte
			channel, r.unit, r.packets, chunk = takeRun(chunk)
			if r.to = to.destination(channel); r.to != nil {
				b.add(&r)
			}
			if d.err != nil {
				return
			}
		}
	}
	d.chunks, d.bytes = len(chunks), bytes
}

// sendChunks sends the runs in chunks, and all that is in the batch.
func (b *batch) sendChunks(chunks [][]byte, to destinations) error {
	var d delivery
	b.put(chunks, to, &d)
	b.Flush()
	return d.err
}

// send sends one datagram.
func (d *destination) send(packet []byte) error {
	var done delivery
	b := newBatch()
	b.add(&run{to: d, packets: packet, unit: len(packet), of: &done})
	b.Flush()
	return done.err
}
