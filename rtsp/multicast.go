package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/net/ipv4"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/mux"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

// groups are the multicast groups of a server: one for each stream that is watched so.
type groups struct {
	mu   sync.Mutex
	list map[*media.Stream]*group
	used map[netip.Addr]bool
	last netip.Addr
}

// group sends one stream to one multicast address, each track to a pair of ports of its own.
type group struct {
	stream *media.Stream
	addr   netip.Addr
	pair   *ports.Pair
	stop   context.CancelFunc

	// What follows is guarded by groups.mu.
	users   int
	members map[*session]bool // those that play
	stopped chan struct{}     // nil before somebody plays
	over    bool              // nothing is sent any more
}

// groupPort is where the tracks of a group begin. The address alone tells groups apart.
const groupPort = 5000

// takeGroup makes the player one of a group.
func (p *playback) takeGroup(track int) (string, error) {
	s := p.session.server
	if p.group == nil {
		g, err := s.groups.join(s, p.media.Stream(), localIP(p.session.conn))
		if err != nil {
			return "", err
		}
		p.group = g
	}
	p.layout.Datagrams = true
	for _, index := range p.index { // a group has all tracks
		p.layout.Channels[index] = int16(2 * index)
	}
	return fmt.Sprintf("RTP/AVP;multicast;destination=%s;port=%s;ttl=%d", p.group.addr, pair(groupPort+2*track), s.config().MulticastTTL), nil
}

// join returns the group of a stream, with one more user.
func (gs *groups) join(s *Server, stream *media.Stream, ip netip.Addr) (*group, error) {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	if g := gs.list[stream]; g != nil {
		g.users++
		return g, nil
	}
	if gs.list == nil {
		gs.list, gs.used = map[*media.Stream]*group{}, map[netip.Addr]bool{}
	}
	addr, err := gs.free(s.config().MulticastRange)
	if err != nil {
		return nil, err
	}
	if !ip.Is4() {
		return nil, errors.New("rtsp: multicast is for IPv4")
	}
	pair, err := ports.Lease(s.media, ip, s.config().PortRange)
	if err != nil {
		return nil, err
	}
	for _, socket := range []*datagram.Socket{pair.RTP, pair.RTCP} {
		if err := prepare(socket.Conn(), ip, s.config().MulticastTTL); err != nil {
			pair.Close()
			return nil, err
		}
	}
	g := &group{stream: stream, addr: addr, pair: pair, users: 1, members: map[*session]bool{}}
	gs.list[stream], gs.used[addr] = g, true
	return g, nil
}

// free returns an address that no group has.
func (gs *groups) free(span [2]netip.Addr) (netip.Addr, error) {
	addr := gs.last
	for range 1 << 16 {
		if !addr.IsValid() || !addr.Less(span[1]) {
			addr = span[0]
		} else {
			addr = addr.Next()
		}
		if last := addr.As4()[3]; last != 0 && last != 255 && !gs.used[addr] {
			gs.last = addr
			return addr, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("rtsp: no multicast address is free from %v to %v", span[0], span[1])
}

// prepare makes a socket send multicast by the interface that has an address.
func prepare(conn *net.UDPConn, ip netip.Addr, ttl int) error {
	p := ipv4.NewPacketConn(conn)
	if err := p.SetMulticastTTL(ttl); err != nil {
		return fmt.Errorf("rtsp: %w", err)
	}
	_ = p.SetMulticastLoopback(true)
	if i := interfaceOf(ip); i != nil {
		if err := p.SetMulticastInterface(i); err != nil {
			return fmt.Errorf("rtsp: %w", err)
		}
	}
	return nil
}

// interfaceOf returns the network interface that has an address, or nil, which lets the system choose.
func interfaceOf(ip netip.Addr) *net.Interface {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil
	}
	for i := range interfaces {
		addrs, _ := interfaces[i].Addrs()
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok && n.IP.Equal(ip.AsSlice()) {
				return &interfaces[i]
			}
		}
	}
	return nil
}

// leave gives up the use that a session has of a group. The last one ends it.
func (gs *groups) leave(g *group, x *session) {
	gs.mu.Lock()
	g.users--
	delete(g.members, x)
	last := g.users == 0
	if last {
		gs.forget(g)
		delete(gs.used, g.addr)
	}
	gs.mu.Unlock()
	if !last {
		return
	}
	if g.stopped != nil {
		g.stop()
		<-g.stopped
	}
	g.pair.Close()
}

// forget lets those that come have another group. gs.mu is held.
func (gs *groups) forget(g *group) {
	if gs.list[g.stream] == g {
		delete(gs.list, g.stream)
	}
}

// begin lets the stream flow, if it does not yet, for a session that plays, and reports whether it does.
func (gs *groups) begin(g *group, x *session) bool {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g.members[x] = true
	if g.stopped != nil {
		return !g.over
	}
	ctx, cancel := context.WithCancel(context.Background())
	g.stop, g.stopped = cancel, make(chan struct{})
	p, formats := x.player, x.server.formats
	use, byes := formats.Use(p.layout, p.tracks), formats.AppendByes(nil, p.layout) // of its own: x may leave before others
	x.server.acceptor.Go(func() {
		err := g.send(ctx, use.Format, byes)
		formats.Release(use)
		close(g.stopped)
		for _, member := range gs.end(g) {
			member.finish(err)
		}
	})
	return true
}

// end notes that nothing more is sent to a group, and returns those that play.
func (gs *groups) end(g *group) []*session {
	gs.mu.Lock()
	defer gs.mu.Unlock()
	g.over = true
	gs.forget(g)
	return slices.Collect(maps.Keys(g.members))
}

// addresses are where the channels of a group or a push go.
type addresses [mux.MaxTracks][2]datagram.Destination

// Destination implements [datagram.Destinations].
func (a *addresses) Destination(channel byte) *datagram.Destination {
	return a[channel/2][channel%2].OrNowhere()
}

// send sends the stream until it ends or nobody is left; at its end, it sends last.
func (g *group) send(ctx context.Context, format *media.Format, last []byte) error {
	var to addresses
	for i := range to {
		port := uint16(groupPort + 2*i)
		to[i] = [2]datagram.Destination{
			datagram.NewDestination(g.pair.RTP, netip.AddrPortFrom(g.addr, port)),
			datagram.NewDestination(g.pair.RTCP, netip.AddrPortFrom(g.addr, port+1)),
		}
	}
	r := g.stream.ReadFormat(format)
	defer r.Close()
	err := sendAll(ctx, r, func(chunks [][]byte, b *datagram.Batch) error {
		_ = b.SendChunks(chunks, &to) // who misses it has no other way
		return nil
	})
	if errors.Is(err, io.EOF) {
		_ = datagram.NewBatch().SendChunks([][]byte{last}, &to)
	}
	return err
}

// sendAll gives what a reader reads to send, headers and data in order, until the stream or ctx ends or send
// fails.
func sendAll(ctx context.Context, r *media.Reader[media.Chunk], send func(chunks [][]byte, b *datagram.Batch) error) error {
	chunks, pieces, b := make([]media.Chunk, 16), make([][]byte, 0, 32), datagram.NewBatch()
	for {
		n, err := r.ReadBatch(ctx, chunks)
		if err != nil {
			return err
		}
		pieces = pieces[:0]
		for _, c := range chunks[:n] {
			if len(c.Header) > 0 {
				pieces = append(pieces, c.Header)
			}
			pieces = append(pieces, c.Data)
		}
		err = send(pieces, b)
		clear(chunks[:n])
		clear(pieces)
		if err != nil {
			return err
		}
	}
}
