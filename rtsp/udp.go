package rtsp

import (
	"net"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/media"
)

// udpPlayer sends to the ports of one player. It is a [media.ChunkSink].
type udpPlayer struct {
	playback *playback
	channels []destination // two for each track, as the layout has them
	pairs    []*portPair   // the session's own
	delivery delivery      // of what was queued last
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
		p.udp = &udpPlayer{playback: p, channels: make([]destination, 2*tracks)}
	}
	var pair *portPair
	var err error
	if s.config().SessionPorts {
		pair, err = s.pair(localIP(p.session.conn))
		if err == nil {
			p.udp.own(pair)
		}
	} else {
		pair, err = s.sharedPair(p.session.entry.Info().Remote.Addr())
	}
	if err != nil {
		return "", err
	}
	p.udp.aim(track, pair, p.session.entry.Info().Remote.Addr(), client, !s.config().SessionPorts)
	p.layout.datagrams = true
	p.layout.channels[track] = int16(2 * track)
	return "RTP/AVP;unicast;client_port=" + portsOf(client) + ";server_port=" + pairName(pair), nil
}

func localIP(conn net.Conn) net.IP {
	if a, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		return a.IP
	}
	return nil
}

// own makes a pair one that closes with the player, and listens to what comes back on it.
func (u *udpPlayer) own(pair *portPair) {
	u.pairs = append(u.pairs, pair)
	for _, s := range []*datagramSocket{pair.rtp, pair.rtcp} {
		u.playback.session.server.acceptor.Go(func() { u.hear(s) })
	}
}

// hear notes that the client sends something.
func (u *udpPlayer) hear(s *datagramSocket) {
	var b [1500]byte
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b[:])
		if isClosed(err) {
			return
		}
		if err != nil {
			time.Sleep(time.Millisecond)
		} else if from.Addr().Unmap() == u.playback.session.entry.Info().Remote.Addr() {
			u.playback.hear(b[:n])
		}
	}
}

func (u *udpPlayer) aim(track int, pair *portPair, to netip.Addr, client [2]int, shared bool) {
	u.forget(track)
	rtp, rtcp := netip.AddrPortFrom(to, uint16(client[0])), netip.AddrPortFrom(to, uint16(client[1]))
	u.channels[2*track], u.channels[2*track+1] = newDestination(pair.rtp, rtp), newDestination(pair.rtcp, rtcp)
	if shared {
		u.playback.session.server.ports.add(rtp, rtcp, u.playback)
	}
}

func (u *udpPlayer) forget(track int) {
	for i := range u.channels[2*track : 2*track+2] {
		if d := u.channels[2*track+i].orNowhere(); d != nil {
			u.playback.session.server.ports.remove(d.to(), u.playback)
		}
	}
}

// Queue implements [media.ChunkSink].
func (u *udpPlayer) Queue(queued media.SinkBatch, chunks [][]byte) media.SinkBatch {
	b, ok := queued.(*batch)
	if !ok {
		if queued != nil {
			queued.Flush()
		}
		b = newBatch()
	}
	b.put(chunks, u, &u.delivery)
	return b
}

// Result implements [media.ChunkSink].
func (u *udpPlayer) Result() (chunks, bytes int, err error) {
	return u.delivery.chunks, u.delivery.bytes, u.delivery.err
}

func (u *udpPlayer) destination(channel byte) *destination {
	return u.channels[channel].orNowhere()
}

var _ media.ChunkSink = (*udpPlayer)(nil)

// close gives the ports back.
func (u *udpPlayer) close() {
	for track := range len(u.channels) / 2 {
		u.forget(track)
	}
	for _, pair := range u.pairs {
		pair.close()
	}
}
