package rtsp

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

// udpPlayer sends to the ports of one player. It is a [media.ChunkSink].
type udpPlayer struct {
	playback *playback
	channels []datagram.Destination // two for each track, as the layout has them
	pairs    map[int]*ports.Pair    // the session's own, by track; nil if it shares
	delivery datagram.Delivery      // of what was queued last
}

// takePorts gives a track ports of the server to come from, and those of the client to go to: at the address of
// the client's connection, wherever it says it wants them. It returns "" if there is no such address, or if the ports are
// another player's.
func (p *playback) takePorts(track int, client [2]int) (string, error) {
	remote := p.session.entry.Info().Remote.Addr()
	if client[0] == 0 || client[1] == 0 || !remote.IsValid() {
		return "", nil
	}
	to := clientPorts{netip.AddrPortFrom(remote, uint16(client[0])), netip.AddrPortFrom(remote, uint16(client[1]))}
	if !p.session.server.shared.add(to[0], to[1], p) {
		return "", nil
	}
	if p.udp == nil {
		tracks := p.index[len(p.index)-1] + 1
		p.udp = &udpPlayer{playback: p, channels: make([]datagram.Destination, 2*tracks)}
	}
	p.udp.forget(track, to)
	clear(p.udp.channels[2*track : 2*track+2])
	p.layout.Channels[track] = -1
	from, err := p.udp.ports(track, to)
	if err != nil {
		p.session.server.shared.remove(to[0], p)
		p.session.server.shared.remove(to[1], p)
		return "", err
	}
	p.udp.channels[2*track] = datagram.NewDestination(from.RTP, to[0])
	p.udp.channels[2*track+1] = datagram.NewDestination(from.RTCP, to[1])
	p.layout.Datagrams = true
	p.layout.Channels[track] = int16(2 * track)
	return "RTP/AVP;unicast;client_port=" + portsOf(client) + ";server_port=" + pair(from.Port), nil
}

// clientPorts are where a track goes to: RTP and RTCP.
type clientPorts [2]netip.AddrPort

// ports returns where a track comes from: the ports of all players, or some of its own.
func (u *udpPlayer) ports(track int, to clientPorts) (*ports.Pair, error) {
	x := u.playback.session
	cfg := x.server.config()
	if !cfg.SessionPorts {
		return x.server.sharedPair(to[0].Addr())
	}
	if old := u.pairs[track]; old != nil {
		old.Close()
		delete(u.pairs, track)
	} else if !x.reserve(len(u.pairs)) {
		return nil, errTooManyPorts
	}
	leased, err := ports.Lease(x.server.media, localIP(x.conn), cfg.PortRange)
	if err != nil {
		return nil, err
	}
	if u.pairs == nil {
		u.pairs = map[int]*ports.Pair{}
	}
	u.pairs[track] = leased
	for i, s := range []*datagram.Socket{leased.RTP, leased.RTCP} {
		from := &origin{addr: to[i].Addr(), named: to[i].Port()}
		x.server.acceptor.Go(func() { u.hear(s, from) })
	}
	return leased, nil
}

// localIP is the address of this end of a connection, with its zone; the zero value if it has none.
func localIP(conn net.Conn) netip.Addr { return acceptor.Address(conn.LocalAddr()).Addr() }

// hear notes that the client sends something.
func (u *udpPlayer) hear(s *datagram.Socket, origin *origin) {
	var b [1500]byte
	for {
		n, from, err := s.Conn().ReadFromUDPAddrPort(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
		} else if origin.takes(from) {
			u.playback.hear(b[:n])
		}
	}
}

// forget gives the ports that a track goes to back to others, but for those that it keeps. The track may be sent to still.
func (u *udpPlayer) forget(track int, keep clientPorts) {
	for i := range u.channels[2*track : 2*track+2] {
		d := u.channels[2*track+i].OrNowhere()
		if d == nil {
			continue
		}
		if to := newPeer(d.To()); to != newPeer(keep[0]) && to != newPeer(keep[1]) {
			u.playback.session.server.shared.remove(d.To(), u.playback)
		}
	}
}

// Queue implements [media.ChunkSink].
func (u *udpPlayer) Queue(queued media.SinkBatch, chunks [][]byte) media.SinkBatch {
	b, ok := queued.(*datagram.Batch)
	if !ok {
		if queued != nil {
			queued.Flush()
		}
		b = datagram.NewBatch()
	}
	b.Put(chunks, u, &u.delivery)
	return b
}

// Result implements [media.ChunkSink].
func (u *udpPlayer) Result() (chunks, bytes int, err error) {
	return u.delivery.Chunks, u.delivery.Bytes, u.delivery.Err
}

// Destination implements [datagram.Destinations].
func (u *udpPlayer) Destination(channel byte) *datagram.Destination {
	return u.channels[channel].OrNowhere()
}

var _ media.ChunkSink = (*udpPlayer)(nil)

// close gives the ports back.
func (u *udpPlayer) close() {
	for track := range len(u.channels) / 2 {
		u.forget(track, clientPorts{})
	}
	for _, pair := range u.pairs {
		pair.Close()
	}
}
