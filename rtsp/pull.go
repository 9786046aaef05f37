package rtsp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/ingest"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// Pull plays a URL (rtsp or rtsps, user and password in it if need be) and publishes what comes as the stream
// key, until ctx or either side ends. OnPublish is not asked. The error is never nil: that of ctx, io.EOF when
// the server has ended the stream, a *[StatusError], or what the network or the stream failed with.
func Pull(ctx context.Context, m *media.Server, rawURL string, key media.StreamKey, cfg ClientConfig) error {
	if cfg.Speed != 0 && !isSpeed(cfg.Speed) {
		return fmt.Errorf("rtsp: ClientConfig.Speed of %v is not within 1/32 and 32", cfg.Speed)
	}
	c, err := dial(ctx, rawURL, cfg)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	p := &pull{client: c, server: m, orders: make(chan order), over: make(chan struct{})}
	defer p.close()
	err = acceptor.Guard(func() error { return p.run(ctx, m, key) })
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// pull is a stream that is pulled.
type pull struct {
	client   *client
	server   *media.Server
	desc     *sdp.Session
	base     string
	media    *media.Publisher
	entry    *media.Session
	ingest   *ingest.Ingest
	channels [256]int8 // 1 + the media that comes on a channel, minus if it is RTCP; 0 is none
	closers  []func()
	rtp      listeners
	udp      sync.WaitGroup
	last     atomic.Int64 // when media came, Unix nanoseconds
	begins   atomic.Bool  // the next media is the first behind a PLAY
	played   atomic.Int64 // for how long media has come, in ns
	byed     atomic.Bool  // the server has said that all tracks end
	waits    atomic.Bool  // none is due: it is paused, or the server looks for a place
	paused   atomic.Bool
	orders   chan order
	over     chan struct{} // closed when it plays no more
}

func (p *pull) run(ctx context.Context, m *media.Server, key media.StreamKey) error {
	c := p.client
	if err := c.greet(); err != nil {
		return err
	}
	if err := p.describe(); err != nil {
		return err
	}
	entry := outbound.NewSession(m, "rtsp", c.conn)
	defer entry.Close()
	pub, err := m.Publish(ctx, media.PublishRequest{
		Stream: key, Session: entry, Schema: "rtsp", Origin: hook.OriginPull, OriginURL: c.url, Authorized: true,
		Options: c.cfg.Options,
	})
	if err != nil {
		return err
	}
	p.media, p.entry = pub, entry
	p.ingest = ingest.New(pub, p.desc, ingest.Options{Torn: c.cfg.TornPictures, Log: m.Logger().With("stream", key.String(), "proto", "rtsp", "origin", redact.URL(c.url)), Bye: p.bye})
	err = p.play(ctx)
	if ctx.Err() == nil && entry.Err() == nil { // the end has come by TCP
		p.rtp.drain()
	}
	if ctx.Err() != nil {
		entry.Kick(context.Cause(ctx)) // what the host itself ends need not wait for another publisher
	}
	switch cause := entry.Err(); {
	case cause != nil:
		err = cause
	case p.byed.Load():
		err = io.EOF
	}
	p.ingest.Close()
	pub.Close(err)
	return err
}

// bye ends a pull whose server says that all tracks end. Before another place some servers say so, too.
func (p *pull) bye() {
	if !p.waits.Load() {
		p.byed.Store(true)
		p.client.conn.Close()
	}
}

// describe learns what the stream is.
func (p *pull) describe() error {
	c := p.client
	res, err := c.do("DESCRIBE", c.url, wire.Header{{Name: "Accept", Value: "application/sdp"}}, nil)
	if err != nil {
		return err
	}
	p.base = c.url
	for _, name := range []string{"Content-Base", "Content-Location"} {
		if v := res.Header.Get(name); v != "" {
			p.base = v
			break
		}
	}
	p.desc, err = sdp.Parse(res.Body)
	return err
}

// play sets up all media and reads until the end.
func (p *pull) play(ctx context.Context) error {
	c := p.client
	c.frame = p.frame
	kinds := c.cfg.transports()
	for i, m := range p.desc.Medias {
		target := sdp.ControlURL(p.base, p.desc.Control, m.Control)
		left, err := p.setup(i, target, kinds)
		if err != nil {
			return err
		}
		kinds = left
	}
	p.touch(0)
	if err := p.ingest.Begin(); err != nil {
		return err
	}
	f, err := p.begin()
	if err != nil {
		return err
	}
	defer func() { c.cfg.Control.keep(c.url, f.reached()) }()
	ctx, cancel := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	defer keeping.Wait()
	defer cancel()
	keeping.Go(func() { c.keepAlive(ctx) })
	keeping.Go(func() { p.obey(ctx, f) })
	defer close(p.over)
	defer c.cfg.Control.control(p)()
	keeping.Go(func() { outbound.TellPlaying(ctx, c.cfg.OnPlaying, p.media.Stream(), p.server, p.entry) })
	err = p.read()
	_, _ = c.send("TEARDOWN", f.target, nil, nil, nil) // as a courtesy
	return err
}

// begin has the server play, at the speed that the configuration says: from where the pull before was, unless the server does not want that.
func (p *pull) begin() (*film, error) {
	f := &film{pull: p, target: sdp.ControlURL(p.base, p.desc.Control, ""), speed: cmp.Or(p.client.cfg.Speed, 1), by: "Scale"}
	f.span.learn(p.desc.Range)
	f.from = p.client.cfg.Control.reached(p.client.url)
	if f.speed != 1 {
		p.ingest.Restart(f.speed, false)
	}
	res, err := p.client.do("PLAY", f.target, f.first(), nil)
	if f.from > 0 && isRefused(err) {
		f.from = 0
		res, err = p.client.do("PLAY", f.target, f.first(), nil)
	}
	if err != nil {
		return nil, err
	}
	if actual, said := speedOf(res, f.by); said && actual != f.speed {
		f.speed = actual
		p.ingest.Restart(actual, false)
	}
	f.sought = f.from > 0
	f.span.learn(res.Header.Get("Range"))
	if f.sought && p.desc.Range == "" { // that is where it begins now
		f.span = f.span.before(f.from)
	}
	f.span.learn(p.desc.Range)
	return f, nil
}

// read takes what the server sends, until it ends or is silent for too long.
func (p *pull) read() error {
	c := p.client
	for {
		if err := c.conn.SetReadDeadline(time.Now().Add(c.cfg.IdleTimeout)); err != nil {
			return err
		}
		m, err := c.reader.Next()
		switch silent := p.silent(); {
		case silent && isTimeout(err):
			return fmt.Errorf("rtsp: no media for %v", c.cfg.IdleTimeout)
		case isTimeout(err):
			continue
		case err != nil:
			return err
		}
		switch {
		case m.Response != nil:
			c.answered(m.Response)
		case m.Request == nil:
			p.frame(m.Frame, time.Now())
		}
		if p.silent() {
			return fmt.Errorf("rtsp: no media for %v", c.cfg.IdleTimeout)
		}
	}
}

// longest is how much time between two packets counts as played.
const longest = 2 * time.Second

// touch notes that so many bytes of media have come.
func (p *pull) touch(n int) {
	now := time.Now().UnixNano()
	passed := now - p.last.Swap(now)
	switch {
	case n == 0:
		p.begins.Store(true)
	case p.begins.Load():
		p.begins.Store(false)
	case !p.waits.Load():
		p.played.Add(min(passed, int64(longest)))
	}
	p.entry.Received(n)
}

// silent reports whether media should have come by now.
func (p *pull) silent() bool {
	return !p.waits.Load() && time.Since(time.Unix(0, p.last.Load())) >= p.client.cfg.IdleTimeout
}

func (p *pull) frame(f wire.Frame, now time.Time) {
	switch m := p.channels[f.Channel]; {
	case m > 0:
		p.touch(len(f.Payload))
		p.ingest.Packet(int(m)-1, f.Payload, now)
	case m < 0:
		p.ingest.Report(int(-m)-1, f.Payload, now)
	}
}

// setup makes room for one media, and returns the transports for those that follow.
func (p *pull) setup(m int, target string, kinds []Transport) ([]Transport, error) {
	c := p.client
	var own *ports.Pair
	header := func(kind Transport) (string, error) {
		switch kind {
		case UDP:
			if !remoteIP(c.conn).IsValid() {
				return "", errNoAddress
			}
			var err error
			if own, err = ports.Free(p.server, "udp", localIP(c.conn)); err != nil {
				return "", err
			}
			p.closers = append(p.closers, own.Close)
			return "RTP/AVP;unicast;client_port=" + pair(own.Port), nil
		case Multicast:
			return "RTP/AVP;multicast", nil
		}
		return "RTP/AVP/TCP;unicast;interleaved=" + portsOf([2]int{2 * m, 2*m + 1}), nil
	}
	take := func(kind Transport, t wire.Transport) error {
		switch {
		case kind == TCP || t.TCP:
			channels := t.Interleaved
			if channels[0] < 0 || channels[1] < 0 {
				channels = [2]int{2 * m, 2*m + 1}
			}
			p.channels[channels[0]], p.channels[channels[1]] = int8(m+1), int8(-m-1)
			return nil
		case kind == Multicast:
			return p.joinGroup(m, t)
		}
		p.listen(m, own, remoteIP(c.conn), t)
		return nil
	}
	return c.setup(target, kinds, header, take)
}

var errNoAddress = errors.New("rtsp: the connection has no IP address, so there is none for UDP")

func remoteIP(conn net.Conn) netip.Addr { return acceptor.Address(conn.RemoteAddr()).Addr() }

// listen takes the media that the server sends to a pair of ports.
func (p *pull) listen(m int, pair *ports.Pair, from netip.Addr, t wire.Transport) {
	p.ingest.Unreliable(m)
	if t.ServerPort[0] != 0 {
		to := [2]netip.AddrPort{netip.AddrPortFrom(from, uint16(t.ServerPort[0])), netip.AddrPortFrom(from, uint16(t.ServerPort[1]))}
		rtp, rtcp := datagram.NewDestination(pair.RTP, to[0]), datagram.NewDestination(pair.RTCP, to[1])
		p.ingest.ReportTo(m, rtcp.Send)
		punch(&rtp, &rtcp)
	}
	p.hear(m, pair.RTP, pair.RTCP, &origin{addr: from, named: uint16(t.ServerPort[0])}, &origin{addr: from, named: uint16(t.ServerPort[1])})
}

// punch opens the way through a NAT between the client and the server.
func punch(rtp, rtcp *datagram.Destination) {
	_ = rtp.Send([]byte{0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	_ = rtcp.Send([]byte{0x80, 201, 0, 1, 0, 0, 0, 0})
}

// joinGroup listens to a multicast group.
func (p *pull) joinGroup(m int, t wire.Transport) error {
	group, err := netip.ParseAddr(t.Destination)
	if err != nil || !group.IsMulticast() || t.Port[0] == 0 {
		return fmt.Errorf("rtsp: the server names no multicast group, but %q", t.Destination)
	}
	p.ingest.Unreliable(m)
	var sockets [2]*datagram.Socket
	for i := range sockets {
		conn, err := net.ListenMulticastUDP("udp", interfaceOf(localIP(p.client.conn)), &net.UDPAddr{IP: group.AsSlice(), Port: t.Port[i]})
		if err != nil {
			return fmt.Errorf("rtsp: %w", err)
		}
		sockets[i] = datagram.NewSocket(conn)
		p.closers = append(p.closers, sockets[i].Close)
	}
	source := &origin{} // the first that sends; other receivers send reports to the group
	p.hear(m, sockets[0], sockets[1], source, &origin{with: source})
	return nil
}

// hear takes what comes to a pair of ports from where it may.
func (p *pull) hear(m int, rtp, rtcp *datagram.Socket, media, reports *origin) {
	l := newListener(rtp, media, func(b []byte, now time.Time) bool {
		p.touch(len(b))
		return p.ingest.Packet(m, b, now)
	}, func(now time.Time) bool { return p.ingest.Flush(m, now) })
	p.rtp = append(p.rtp, l)
	p.udp.Go(l.listen)
	p.udp.Go(newListener(rtcp, reports, func(b []byte, now time.Time) bool {
		p.ingest.Report(m, b, now) // which is no media
		return false
	}, nothingWaits).listen)
}

func (p *pull) close() {
	for _, closeSocket := range p.closers {
		closeSocket()
	}
	p.udp.Wait()
}
