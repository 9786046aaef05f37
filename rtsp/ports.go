package rtsp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/tally"
)

// errNoPort says that no pair of ports is free.
var errNoPort = errors.New("rtsp: no pair of ports is free")

// ports are the UDP sockets of a server: one pair for all players, and pairs of sessions.
type ports struct {
	mu      sync.Mutex
	shared  [2]*portPair // for IPv4 and IPv6 players
	next    int          // where the search in the range goes on
	reading tally.Tally

	peersMu sync.RWMutex
	peers   map[peer]*playback // whose reports come to the shared pair
}

// portPair is an even port for RTP and the next one for RTCP (RFC 3550, 11).
type portPair struct {
	rtp, rtcp *datagramSocket
	port      int
}

func (p *portPair) close() {
	p.rtp.close()
	p.rtcp.close()
}

// listenPair opens a pair of udp, udp4 or udp6 at port, or a free one if port is 0.
func listenPair(network string, ip net.IP, port int) (*portPair, error) {
	first, err := listenUDP(network, ip, port)
	if err != nil {
		return nil, err
	}
	at := first.LocalAddr().(*net.UDPAddr).Port // as every UDP socket's is
	if at%2 != 0 {
		first.Close()
		return nil, errNoPort
	}
	second, err := listenUDP(network, ip, at+1)
	if err != nil {
		first.Close()
		return nil, err
	}
	return &portPair{rtp: newDatagramSocket(first), rtcp: newDatagramSocket(second), port: at}, nil
}

func listenUDP(network string, ip net.IP, port int) (*net.UDPConn, error) {
	conn, err := net.ListenUDP(network, &net.UDPAddr{IP: ip, Port: port})
	if err != nil {
		return nil, fmt.Errorf("rtsp: %w", err)
	}
	_ = conn.SetReadBuffer(2 << 20) // as much as the system allows
	_ = conn.SetWriteBuffer(2 << 20)
	return conn, nil
}

// pair opens a pair of ports within the range, for one session.
func (s *Server) pair(ip net.IP) (*portPair, error) {
	p, span := &s.ports, s.config().PortRange
	pairs := (span[1] - span[0]) / 2
	for range pairs {
		p.mu.Lock()
		port := (span[0]+1)&^1 + 2*(p.next%pairs)
		p.next++
		p.mu.Unlock()
		if port+1 > span[1] {
			continue
		}
		if pair, err := listenPair("udp", ip, port); err == nil {
			return pair, nil
		}
	}
	return nil, fmt.Errorf("%w from %d to %d", errNoPort, span[0], span[1])
}

// sharedPair returns the pair that all UDP players of a family of addresses share, and opens it for the first. A
// socket of IPv4 alone sends for less than one of both.
func (s *Server) sharedPair(to netip.Addr) (*portPair, error) {
	p := &s.ports
	p.mu.Lock()
	defer p.mu.Unlock()
	family, network := 0, "udp4"
	if to.Is6() {
		family, network = 1, "udp6"
	}
	if p.shared[family] != nil {
		return p.shared[family], nil
	}
	pair, err := listenPair(network, nil, s.config().UDPPort)
	for tries := 0; errors.Is(err, errNoPort) && tries < 20; tries++ {
		pair, err = listenPair(network, nil, 0)
	}
	if err != nil {
		return nil, err
	}
	if err := errors.Join(pair.rtp.detach(), pair.rtcp.detach()); err != nil {
		pair.close()
		return nil, err
	}
	p.shared[family] = pair
	p.reading.Go(func() { p.hear(pair.rtp) })
	p.reading.Go(func() { p.hear(pair.rtcp) })
	return pair, nil
}

// hear notes which players send something: it shows that they live.
func (p *ports) hear(s *datagramSocket) {
	var b [1500]byte
	for {
		n, from, err := s.receive(b[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // an ICMP message about a peer
			time.Sleep(time.Millisecond)
			continue
		}
		if to := p.find(from); to != nil {
			to.hear(b[:n])
		}
	}
}

// peer is where a player sends from, in few bytes: there are as many as players.
type peer struct {
	ip   [16]byte
	port uint16
}

func newPeer(a netip.AddrPort) peer { return peer{a.Addr().As16(), a.Port()} }

// find returns the player that sends from an address. An even port stands for the odd one behind it too, unless that is
// another player's.
func (p *ports) find(from netip.AddrPort) *playback {
	at := newPeer(from)
	p.peersMu.RLock()
	defer p.peersMu.RUnlock()
	if to := p.peers[at]; to != nil {
		return to
	}
	at.port &^= 1
	return p.peers[at]
}

// add lets what comes from the two ports of a track count for a player.
func (p *ports) add(rtp, rtcp netip.AddrPort, to *playback) {
	p.peersMu.Lock()
	defer p.peersMu.Unlock()
	if p.peers == nil {
		p.peers = map[peer]*playback{}
	}
	p.peers[newPeer(rtp)] = to
	if rtp.Port()%2 != 0 || rtcp.Port() != rtp.Port()+1 {
		p.peers[newPeer(rtcp)] = to
	}
}

// remove takes back what add did for a player.
func (p *ports) remove(from netip.AddrPort, of *playback) {
	p.peersMu.Lock()
	defer p.peersMu.Unlock()
	if at := newPeer(from); p.peers[at] == of {
		delete(p.peers, at)
	}
}

// close closes the shared pair.
func (p *ports) close() {
	p.mu.Lock()
	shared := p.shared
	p.mu.Unlock()
	for _, pair := range shared {
		if pair != nil {
			pair.rtp.stop()
			pair.rtcp.stop()
		}
	}
	p.reading.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, pair := range p.shared {
		if pair != nil && pair == shared[i] {
			pair.close()
			p.shared[i] = nil
		}
	}
}
