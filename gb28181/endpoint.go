package gb28181

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/framing"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

// endpoint is a port: UDP for RTP, the next one for RTCP, and TCP of the same number.
type endpoint struct {
	server   *Server
	port     int
	ip       netip.Addr
	reuse    bool
	rtp      *datagram.Socket // nil without UDP
	rtcp     *datagram.Socket // nil if reports come to the same port
	listener net.Listener     // nil without TCP
	acceptor *acceptor.Acceptor[*connection]
	release  func() // of the ports
	local    netip.AddrPort

	opened atomic.Pointer[[]*inlet]
	dialed sync.Map // *connection: of those that were not accepted
}

func newEndpoint(s *Server) *endpoint {
	e := &endpoint{server: s}
	e.opened.Store(&[]*inlet{})
	e.acceptor = acceptor.New("rtp", ErrServerClosed, s.log, s.media.Limit, e.accept)
	return e
}

// openEndpoint opens a port, or one of the range if it is 0.
func openEndpoint(s *Server, r *Request) (*endpoint, error) {
	cfg := s.config()
	ip := cfg.LocalIP
	if r.LocalIP != "" {
		var err error
		if ip, err = netip.ParseAddr(r.LocalIP); err != nil {
			return nil, fmt.Errorf("gb28181: the address to listen on: %w", err)
		}
	}
	e := newEndpoint(s)
	e.ip, e.reuse = ip, r.ReusePort
	var err error
	if e.release, err = s.lease(r.Port, func(port int) error { return e.open(port, r.Mode == TCPPassive) }); err != nil {
		return nil, err
	}
	e.begin()
	return e, nil
}

// claim leases the pairs of a port and the one behind it, and opens them.
func claim(m *media.Server, port int, open func(port int) error) (release func(), err error) {
	first := port &^ 1
	if port == first {
		return m.LeasePorts([2]int{first, first + 1}, open)
	}
	before, err := m.LeasePorts([2]int{first, first + 1}, func(int) error { return nil })
	if err != nil {
		return nil, err
	}
	behind, err := m.LeasePorts([2]int{port + 1, port + 2}, func(int) error { return open(port) })
	if err != nil {
		before()
		return nil, err
	}
	return func() { behind(); before() }, nil
}

// open opens the sockets of a port.
func (e *endpoint) open(port int, tcp bool) error {
	pair, err := ports.Listen("udp", e.ip, port)
	if err != nil {
		return err
	}
	if tcp {
		ln, err := ports.ListenTCP(e.ip, port)
		if err != nil {
			pair.Close()
			return err
		}
		e.listener = ln
	}
	e.rtp, e.rtcp, e.port = pair.RTP, pair.RTCP, port
	return nil
}

// begin begins to read.
func (e *endpoint) begin() {
	if e.listener != nil {
		e.local = acceptor.Address(e.listener.Addr())
	}
	if e.rtp != nil {
		_ = e.rtp.Conn().SetReadBuffer(e.server.config().ReadBuffer) // as much as the system allows
		e.local = localOf(e.rtp.Conn())
	}
	e.port = int(e.local.Port())
	e.accepts()
	if e.rtp != nil {
		e.acceptor.Go(e.readRTP)
	}
	if e.rtcp != nil {
		e.acceptor.Go(e.readRTCP)
	}
}

// accepts begins to accept connections, if it listens.
func (e *endpoint) accepts() {
	if ln := e.listener; ln != nil {
		e.acceptor.Go(func() { _ = e.acceptor.Serve(ln) }) // it says what it has to
	}
}

// listenToo listens for connections as well, if who has the port together with others wants that. The server's opening is held.
func (e *endpoint) listenToo(r *Request) error {
	if r.Mode != TCPPassive || e.listener != nil {
		return nil
	}
	ln, err := ports.ListenTCP(e.ip, e.port)
	if err != nil {
		return err
	}
	e.listener = ln
	e.accepts()
	return nil
}

// localOf is where a socket is.
func localOf(conn *net.UDPConn) netip.AddrPort {
	a, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port())
}

func (e *endpoint) list() []*inlet { return *e.opened.Load() }

// add lets an inlet have what comes.
func (e *endpoint) add(r *inlet) {
	list := append(slices.Clone(e.list()), r)
	e.opened.Store(&list)
}

// remove takes an inlet off, and reports whether it was the last. The server's opening is held.
func (e *endpoint) remove(r *inlet) (last bool) {
	list := slices.DeleteFunc(slices.Clone(e.list()), func(other *inlet) bool { return other == r })
	e.opened.Store(&list)
	return len(list) == 0
}

// close closes the sockets, and waits for whoever reads them.
func (e *endpoint) close() {
	for _, r := range e.list() {
		r.close(errClosed)
	}
	for _, socket := range []*datagram.Socket{e.rtp, e.rtcp} {
		if socket != nil {
			socket.Close()
		}
	}
	e.dialed.Range(func(c, _ any) bool {
		c.(*connection).Abort()
		return true
	})
	_ = e.acceptor.Close()
	if e.release != nil {
		e.release()
	}
}

// readRTP takes the datagrams of media until the socket is closed.
func (e *endpoint) readRTP() {
	readMedia(e.rtp.Conn(), &e.server.buffers, func(b []byte, from netip.AddrPort, now time.Time) *source {
		if x, _, waits := e.take(b, origin{remote: from, local: e.local, socket: e.rtp}, now); waits {
			return x
		}
		return nil
	})
}

// readRTCP takes the reports that come to the next port.
func (e *endpoint) readRTCP() {
	reader, err := datagram.NewReader(e.rtcp.Conn(), &e.server.buffers)
	if err != nil {
		return
	}
	for {
		err := reader.Read(func(b []byte, from netip.AddrPort) {
			if len(b) >= minReport && b[0]>>6 == 2 && framing.IsRTCP(b) {
				e.report(b, from, time.Now())
			}
		})
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(time.Millisecond)
		}
	}
}

// minReport is the size of the shortest RTCP packet with an SSRC, in bytes.
const minReport = 8

// report gives a report to the sender that it is of, if it comes from the same host.
func (e *endpoint) report(b []byte, from netip.AddrPort, now time.Time) {
	ssrc := ssrcOf(b)
	for _, r := range e.list() {
		if x := r.find(ssrc); x != nil && x.isFrom(from.Addr(), ssrc) {
			to := datagram.NewDestination(e.rtcp, from)
			x.report(b, now, to.Send)
			return
		}
	}
}

// busy reports whether no packet of an SSRC would be taken, since somebody else sends.
func (e *endpoint) busy(ssrc uint32) bool {
	for _, r := range e.list() {
		if x := r.find(ssrc); x == nil || !x.isBusy() {
			return false
		}
	}
	return true
}

// take gives a packet to whom it is for, and tells who that is.
func (e *endpoint) take(b []byte, from origin, now time.Time) (x *source, taken, waits bool) {
	if len(b) < minReport || b[0]>>6 != 2 {
		return nil, false, false
	}
	ssrc := ssrcOf(b)
	waited := false // for what a stream can begin with
	for _, r := range e.list() {
		x := r.find(ssrc)
		if x == nil {
			x = r.admit(ssrc, b, from)
		}
		if x == nil {
			waited = true
			continue
		}
		if taken, waits := x.packet(b, from, now); taken {
			return x, true, waits
		}
	}
	if waited {
		return nil, false, false
	}
	if n, ok := e.server.foreign.Ready(); ok {
		e.server.log.Info("RTP that is nobody's, or not the first sender's", "port", e.port, "from", from.remote.String(), "ssrc", ssrc, "number", n)
	}
	return nil, false, false
}

// ssrcOf is the source of an RTP or RTCP packet of 8 bytes at least; 0 if it is cut off.
func ssrcOf(b []byte) uint32 {
	at := 8
	if framing.IsRTCP(b) {
		at = 4
	}
	if len(b) < at+4 {
		return 0
	}
	return uint32(b[at])<<24 | uint32(b[at+1])<<16 | uint32(b[at+2])<<8 | uint32(b[at+3])
}
