package rtsp

import (
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

// udpPlayer sends to the ports of one player. It is a [media.ChunkSink].
type udpPlayer struct {
	playback *playback
	channels []datagram.Destination // two for each track, as the layout has them
	pairs    []*ports.Pair          // the session's own
	delivery datagram.Delivery      // of what was queued last
}

// takePorts gives a track ports of the server to come from, and those of the client to go to: at the address of
// the client's connection, wherever it says it wants them.
func (p *playback) takePorts(track int, client [2]int) (string, error) {
	if client[0] == 0 || client[1] == 0 {
		return "", nil
	}
	s := p.session.server
	if p.udp == nil {
		tracks := p.index[len(p.index)-1] + 1
		p.udp = &udpPlayer{playback: p, channels: make([]datagram.Destination, 2*tracks)}
	}
	var leased *ports.Pair
	var err error
	if s.config().SessionPorts {
		leased, err = s.ledger.Lease(localIP(p.session.conn), s.config().PortRange)
		if err == nil {
			p.udp.own(leased)
		}
	} else {
		leased, err = s.sharedPair(p.session.entry.Info().Remote.Addr())
	}
	if err != nil {
		return "", err
	}
	p.udp.aim(track, leased, p.session.entry.Info().Remote.Addr(), client, !s.config().SessionPorts)
	p.layout.Datagrams = true
	p.layout.Channels[track] = int16(2 * track)
	return "RTP/AVP;unicast;client_port=" + portsOf(client) + ";server_port=" + pair(leased.Port), nil
}

func localIP(conn net.Conn) net.IP {
	if a, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		return a.IP
	}
	return nil
}

// own makes a pair one that closes with the player, and listens to what comes back on it.
func (u *udpPlayer) own(pair *ports.Pair) {
	u.pairs = append(u.pairs, pair)
	for _, s := range []*datagram.Socket{pair.RTP, pair.RTCP} {
		u.playback.session.server.acceptor.Go(func() { u.hear(s) })
	}
}

// hear notes that the client sends something.
func (u *udpPlayer) hear(s *datagram.Socket) {
	var b [1500]byte
	for {
		n, from, err := s.Conn().ReadFromUDPAddrPort(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
		} else if from.Addr().Unmap() == u.playback.session.entry.Info().Remote.Addr() {
			u.playback.hear(b[:n])
		}
	}
}

func (u *udpPlayer) aim(track int, pair *ports.Pair, to netip.Addr, client [2]int, shared bool) {
	u.forget(track)
	rtp, rtcp := netip.AddrPortFrom(to, uint16(client[0])), netip.AddrPortFrom(to, uint16(client[1]))
	u.channels[2*track], u.channels[2*track+1] = datagram.NewDestination(pair.RTP, rtp), datagram.NewDestination(pair.RTCP, rtcp)
	if shared {
		u.playback.session.server.shared.add(rtp, rtcp, u.playback)
	}
}

func (u *udpPlayer) forget(track int) {
	for i := range u.channels[2*track : 2*track+2] {
		if d := u.channels[2*track+i].OrNowhere(); d != nil {
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
		u.forget(track)
	}
	for _, pair := range u.pairs {
		pair.Close()
	}
}
