package gb28181

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

// link opens the one of a request: it reaches the peer, or listens for it.
func (s *Server) link(ctx context.Context, r *SendRequest) (link, error) {
	ctx, cancel := context.WithTimeout(ctx, r.connectTime())
	defer cancel()
	switch {
	case r.Mode == Talk:
		return s.talkTo(r.Receive)
	case r.UDP:
		l, err := s.openUDP(r)
		if err != nil || r.Mode == Listen {
			return l, err
		}
		to, err := resolve(ctx, r.Host, r.Port, s.config().LocalIP)
		if err != nil {
			l.close()
			return nil, err
		}
		l.remote = to
		return l, nil
	case r.Mode == Listen:
		return s.listenTCP(r)
	}
	d := net.Dialer{}
	if r.LocalPort != 0 {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(s.config().LocalIP, uint16(r.LocalPort)))
	}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(r.Host, strconv.Itoa(r.Port)))
	if err != nil {
		return nil, fmt.Errorf("gb28181: %w", err)
	}
	return &tcpLink{conn: conn}, nil
}

// resolve returns the first address of a host, of the family of the one that is sent from if that is known.
func resolve(ctx context.Context, host string, port int, from netip.Addr) (netip.AddrPort, error) {
	network := "ip"
	if from.Is4() {
		network = "ip4"
	} else if from.Is6() && !from.IsUnspecified() {
		network = "ip6"
	}
	list, err := net.DefaultResolver.LookupNetIP(ctx, network, host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("gb28181: %w", err)
	}
	return netip.AddrPortFrom(list[0].Unmap(), uint16(port)), nil
}

// lease leases a port, or one of the range if it is 0, for as long as open opens it.
func (s *Server) lease(port int, open func(port int) error) (release func(), err error) {
	if port != 0 {
		return claim(s.media, port, open)
	}
	return s.media.LeasePorts(s.config().PortRange, open)
}

// openUDP opens the ports of a sender.
func (s *Server) openUDP(r *SendRequest) (l *udpLink, err error) {
	l = &udpLink{server: s}
	l.release, err = s.lease(r.LocalPort, func(port int) (err error) {
		l.pair, err = ports.Listen("udp", s.config().LocalIP, port)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.local = localOf(l.pair.RTP.Conn())
	if r.Mode != Dial || r.Receive != (media.StreamKey{}) {
		return l, nil
	}
	if err := l.pair.RTP.Detach(); err != nil { // nobody reads from it
		l.close()
		return nil, err
	}
	return l, nil
}

// listenTCP listens for the peer.
func (s *Server) listenTCP(r *SendRequest) (l *listenLink, err error) {
	l = &listenLink{limit: r.connectTime()}
	l.release, err = s.lease(r.LocalPort, func(port int) (err error) {
		l.at = port
		l.ln, err = ports.ListenTCP(s.config().LocalIP, port)
		return err
	})
	if err != nil {
		return nil, err
	}
	return l, nil
}

// readChunks gives send what a reader has, all that waits at once, until ctx ends, the stream, or send fails.
func readChunks(ctx context.Context, x *sender, r *media.Reader[media.Chunk], send func(chunks [][]byte) error) error {
	const most = 32
	batch, bytes := make([]media.Chunk, most), make([][]byte, 0, most)
	for {
		n, err := r.ReadBatch(ctx, batch)
		bytes = bytes[:0]
		total := 0
		for _, c := range batch[:n] {
			bytes = append(bytes, c.Data)
			total += len(c.Data)
		}
		clear(batch[:n])
		if total > 0 {
			if err := send(bytes); err != nil {
				return err
			}
			x.player.Sent(total)
		}
		switch {
		case errors.Is(err, io.EOF):
			return errStreamEnded
		case err != nil:
			return err
		}
	}
}

// addressesOf are the two ends of a connection.
func addressesOf(conn net.Conn) (remote, local netip.AddrPort) {
	return acceptor.Address(conn.RemoteAddr()), acceptor.Address(conn.LocalAddr())
}
