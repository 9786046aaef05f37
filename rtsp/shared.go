package rtsp

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/media"
)

// sharedPorts are the UDP sockets that the players of a server share.
type sharedPorts struct {
	mu      sync.Mutex
	pairs   [2]*ports.Pair // for IPv4 and IPv6 players
	release func()         // ends the lease of Config.UDPPort, which is of both
	reading tally.Tally

	peersMu sync.RWMutex
	peers   elastic.Map[peer, *playback] // to whom what is there, and whose reports come from there to the shared pair
}

// sharedPair returns the pair that all UDP players of a family of addresses share, and opens it for the first. A
// socket of IPv4 alone sends for less than one of both.
func (s *Server) sharedPair(to netip.Addr) (*ports.Pair, error) {
	p := &s.shared
	p.mu.Lock()
	defer p.mu.Unlock()
	family, network := 0, "udp4"
	if to.Is6() {
		family, network = 1, "udp6"
	}
	if p.pairs[family] != nil {
		return p.pairs[family], nil
	}
	pair, err := p.open(s.media, network, s.config().UDPPort)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(pair.RTP.Detach(), pair.RTCP.Detach()); err != nil {
		pair.Close()
		return nil, err
	}
	p.pairs[family] = pair
	p.reading.Go(func() { p.hear(pair.RTP) })
	p.reading.Go(func() { p.hear(pair.RTCP) })
	return pair, nil
}

// open opens a pair at a port, or anywhere if that is 0. p.mu is held.
func (p *sharedPorts) open(m *media.Server, network string, port int) (*ports.Pair, error) {
	if port == 0 {
		return ports.Free(m, network, netip.Addr{})
	}
	if p.release == nil {
		release, err := ports.Claim(m, port)
		if err != nil {
			return nil, err
		}
		p.release = release
	}
	return ports.Listen(network, netip.Addr{}, port)
}

// hear notes which players send something: it shows that they live.
func (p *sharedPorts) hear(s *datagram.Socket) {
	var b [1500]byte
	for {
		n, from, err := s.Receive(b[:])
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

// find returns the player that sends from an address.
func (p *sharedPorts) find(from netip.AddrPort) *playback {
	p.peersMu.RLock()
	defer p.peersMu.RUnlock()
	return p.at(newPeer(from))
}

// at returns the player at an address. An even port stands for the odd one behind it too, unless that is another
// player's. p.peersMu is held.
func (p *sharedPorts) at(at peer) *playback {
	if to := p.peers.Get(at); to != nil {
		return to
	}
	at.port &^= 1
	return p.peers.Get(at)
}

// add lets what comes from the two ports of a track count for a player. It returns false if they are another's.
func (p *sharedPorts) add(rtp, rtcp netip.AddrPort, to *playback) bool {
	p.peersMu.Lock()
	defer p.peersMu.Unlock()
	for _, at := range []netip.AddrPort{rtp, rtcp} {
		if of := p.at(newPeer(at)); of != nil && of != to {
			return false
		}
	}
	p.peers.Set(newPeer(rtp), to)
	if rtp.Port()%2 != 0 || rtcp.Port() != rtp.Port()+1 {
		p.peers.Set(newPeer(rtcp), to)
	}
	return true
}

// remove takes back what add did for a player.
func (p *sharedPorts) remove(from netip.AddrPort, of *playback) {
	p.peersMu.Lock()
	defer p.peersMu.Unlock()
	if at := newPeer(from); p.peers.Get(at) == of {
		p.peers.Delete(at)
	}
}

// close closes the shared pair.
func (p *sharedPorts) close() {
	p.mu.Lock()
	pairs := p.pairs
	p.mu.Unlock()
	for _, pair := range pairs {
		if pair != nil {
			pair.RTP.Stop()
			pair.RTCP.Stop()
		}
	}
	p.reading.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, pair := range p.pairs {
		if pair != nil && pair == pairs[i] {
			pair.Close()
			p.pairs[i] = nil
		}
	}
	if p.release != nil && p.pairs == [2]*ports.Pair{} {
		p.release()
		p.release = nil
	}
}
