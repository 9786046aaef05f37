package gb28181

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
)

// ListenAndServe listens on an address, by TCP and UDP, and serves both. An empty address means ":10000"; port 0 means any. The error is that of
// the system, if it cannot listen there, or that of [Server.Serve].
func (s *Server) ListenAndServe(addr string) error {
	if addr == "" {
		addr = ":10000"
	}
	ln, conn, err := listenBoth(addr)
	if err != nil {
		return err
	}
	s.log.Info("listening", "proto", "rtp", "addr", ln.Addr().String())
	return s.Serve(ln, conn)
}

// listenBoth listens on an address by TCP and UDP; port 0 means one that is free in both.
func listenBoth(addr string) (ln net.Listener, conn *net.UDPConn, err error) {
	var lc net.ListenConfig
	const tries = 20 // for a port that only TCP has free
	for range tries {
		if ln, err = lc.Listen(context.Background(), "tcp", addr); err != nil {
			return nil, nil, fmt.Errorf("gb28181: %w", err)
		}
		at := acceptor.Address(ln.Addr())
		if conn, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(at)); err == nil {
			return ln, conn, nil
		}
		ln.Close()
		if _, port, bad := net.SplitHostPort(addr); bad != nil || port != "0" {
			break
		}
	}
	return nil, nil, fmt.Errorf("gb28181: %w", err)
}

// Serve takes all senders that come to a listener and a socket, of which one may be nil, and closes both: each sender is a stream of its own in the app rtp,
// whose name is its SSRC in eight hexadecimal digits. It ends when no frame has come for Config.Timeout, or with its
// connection. At most Config.MaxSenders are taken. The error is never nil; it is [ErrServerClosed] after Shutdown or Close.
func (s *Server) Serve(ln net.Listener, conn *net.UDPConn) error {
	e := newEndpoint(s)
	e.listener = ln
	if conn != nil {
		e.rtp = datagram.NewSocket(conn)
	}
	x := newInlet(s, Request{Stream: media.StreamKey{App: "rtp"}.Canonical(), Mode: TCPPassive, Multiplex: true}, e)
	x.hidden, x.room = true, maxHeldShared
	e.add(x)
	if !s.share(e) {
		if ln != nil {
			ln.Close()
		}
		if conn != nil {
			conn.Close()
		}
		return ErrServerClosed
	}
	<-s.ctx.Done()
	return ErrServerClosed
}

// share begins with a port for all, unless the server is closed.
func (s *Server) share(e *endpoint) bool {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.endpoints.Set(e, struct{}{})
	e.begin()
	return true
}

// Addr is where the first port of all senders is; the zero value while there is none.
func (s *Server) Addr() netip.AddrPort {
	for _, r := range s.all() {
		if r.hidden {
			return r.endpoint.local
		}
	}
	return netip.AddrPort{}
}
