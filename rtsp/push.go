package rtsp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/mux"
	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// Push publishes the stream key to a URL (rtsp or rtsps, user and password in it if need be), until ctx or either
// side ends. It does not wait for the stream: without it the error is [media.ErrStreamNotFound]. The error is
// never nil: that of ctx, io.EOF when the stream has ended or its tracks have got other codecs, a *[StatusError], or what
// the network failed with. The push counts as a reader of the stream: it is in the session list, and whoever kicks it
// there ends it with the cause.
func Push(ctx context.Context, m *media.Server, key media.StreamKey, rawURL string, cfg ClientConfig) error {
	st, ok := m.Stream(key)
	if !ok {
		return media.ErrStreamNotFound
	}
	tracks, err := st.Tracks(ctx)
	if err != nil {
		return err
	}
	c, err := dial(ctx, rawURL, cfg)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	entry := outbound.NewSession(m, "rtsp", c.conn)
	defer entry.Close()
	player, err := m.Play(ctx, media.PlayRequest{Stream: key, Session: entry, Schema: "rtsp", Authorized: true, NoWait: true})
	if err != nil {
		return err
	}
	p := &push{client: c, entry: entry, player: player, stream: player.Stream(), tracks: tracks, layout: mux.NoTracks()}
	defer p.close()
	err = acceptor.Guard(func() error { return p.run(ctx) })
	switch cause := entry.Err(); {
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case cause != nil:
		err = cause
	}
	player.Close(err)
	return err
}

// push is a stream that is pushed.
type push struct {
	client  *client
	entry   *media.Session
	player  *media.Player
	stream  *media.Stream
	tracks  []*media.Track
	layout  mux.Layout
	closers []func()
	to      addresses
}

func (p *push) run(ctx context.Context) error {
	c := p.client
	if err := c.greet(); err != nil {
		return err
	}
	offers, indexes := offersOf(p.tracks)
	if len(offers) == 0 {
		return fmt.Errorf("rtsp: RTP carries no track of %s: %w", p.stream.Key(), media.ErrUnknownTrack)
	}
	body := sdp.Append(nil, p.stream.Key().Name, offers)
	if _, err := c.do("ANNOUNCE", c.url, wire.Header{{Name: "Content-Type", Value: "application/sdp"}}, body); err != nil {
		return err
	}
	kinds := c.cfg.transports()
	for i, offer := range offers {
		left, err := p.setup(indexes[i], sdp.ControlURL(c.url, "", offer.Control), kinds)
		if err != nil {
			return err
		}
		kinds = left
	}
	if _, err := c.do("RECORD", c.url, wire.Header{{Name: "Range", Value: "npt=0.000-"}}, nil); err != nil {
		return err
	}
	return p.write(ctx)
}

// offersOf describes the tracks that RTP can carry; indexes says which.
func offersOf(tracks []*media.Track) (offers []sdp.Offer, indexes []int) {
	for i, track := range tracks {
		if i >= mux.MaxTracks {
			break
		}
		if offer, ok := sdp.OfferFor(track, i); ok {
			offer.Control = controlOf(i)
			offers, indexes = append(offers, offer), append(indexes, i)
		}
	}
	return offers, indexes
}

// setup makes room for one track, and returns the transports for those that follow.
func (p *push) setup(track int, target string, kinds []Transport) ([]Transport, error) {
	c := p.client
	var own *ports.Pair
	header := func(kind Transport) (string, error) {
		switch kind {
		case UDP:
			if !remoteIP(c.conn).IsValid() {
				return "", errNoAddress
			}
			var err error
			if own, err = ports.Free(p.stream.Server(), "udp", localIP(c.conn)); err != nil {
				return "", err
			}
			p.closers = append(p.closers, own.Close)
			return "RTP/AVP;unicast;client_port=" + pair(own.Port) + ";mode=record", nil
		case Multicast:
			return "", errors.New("rtsp: nobody can be pushed to by multicast")
		}
		return "RTP/AVP/TCP;unicast;interleaved=" + portsOf([2]int{2 * track, 2*track + 1}) + ";mode=record", nil
	}
	take := func(kind Transport, t wire.Transport) error {
		channel := 2 * track
		if kind == TCP || t.TCP {
			if t.Interleaved[0] >= 0 && t.Interleaved[0] < 255 {
				channel = t.Interleaved[0]
			}
		} else {
			if t.ServerPort[0] == 0 {
				return errors.New("rtsp: the server names no port")
			}
			p.layout.Datagrams = true
			for i, socket := range []*datagram.Socket{own.RTP, own.RTCP} {
				p.to[track][i] = datagram.NewDestination(socket, netip.AddrPortFrom(remoteIP(c.conn), uint16(t.ServerPort[i])))
			}
		}
		p.layout.Channels[track] = int16(channel)
		return nil
	}
	return c.setup(target, kinds, header, take)
}

// write sends the stream to its end, while another goroutine reads what the server says to it.
func (p *push) write(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var helping sync.WaitGroup
	defer helping.Wait()
	defer p.client.conn.Close() // ends the reading
	defer cancel(nil)
	helping.Go(func() { cancel(p.read()) })
	helping.Go(func() { p.client.keepAlive(ctx) })
	helping.Go(func() { outbound.Tell(p.client.cfg.OnPlaying, p.stream.Server(), p.entry) })
	format, release, err := p.format(ctx)
	if err != nil {
		return err
	}
	defer release()
	r := p.player.ReadFormat(format)
	defer r.Close()
	err = sendAll(ctx, r, p.send)
	if errors.Is(err, io.EOF) {
		_, _ = p.client.send("TEARDOWN", p.client.url, nil, nil, nil) // a clean end
	} else if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// pushed is what the pushes of a stream have in common whose packets are of one size.
type pushed struct{ maxPayload int }

// pushFormats are the formats of pushes, which have nothing to be closed.
type pushFormats struct{ *mux.Formats }

// Close implements [io.Closer].
func (pushFormats) Close() error { return nil }

// format is that of all pushes whose bytes are the same: the stream is muxed once, and kept once for those who are slow.
func (p *push) format(ctx context.Context) (f *media.Format, release func(), err error) {
	size := p.client.cfg.MaxPayload
	build := func() *mux.Formats { return mux.NewFormats(mux.Config{MaxPayload: size}) }
	formats, leave, err := media.Share(ctx, p.stream, pushed{size}, 0, func(context.Context) (pushFormats, error) { return pushFormats{build()}, nil })
	if err != nil {
		return nil, nil, err
	}
	use := formats.Use(p.layout, p.tracks)
	if use == nil { // there are many servers with channels of their own
		leave()
		return build().Use(p.layout, p.tracks).Format, func() {}, nil
	}
	return use.Format, func() {
		formats.Release(use)
		leave()
	}, nil
}

// send sends chunks: datagrams, or all in one write.
func (p *push) send(chunks [][]byte, b *datagram.Batch) error {
	if p.layout.Datagrams {
		if err := b.SendChunks(chunks, &p.to); !errors.Is(err, media.ErrBusy) {
			return p.sent(chunks, err)
		}
		return nil
	}
	return p.sent(chunks, p.client.writeAll(chunks))
}

// sent counts chunks that went out.
func (p *push) sent(chunks [][]byte, err error) error {
	for _, chunk := range chunks {
		if err == nil {
			p.player.Sent(len(chunk))
		}
	}
	return err
}

// read reads until the server hangs up.
func (p *push) read() error {
	if err := p.client.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	for {
		m, err := p.client.reader.Next()
		if err != nil {
			return fmt.Errorf("rtsp: the server has ended: %w", err)
		}
		if m.Response == nil {
			continue
		}
		p.client.answered(m.Response)
		switch code := m.Response.Code; code {
		case wire.StatusUnauthorized, wire.StatusMethodNotAllowed, wire.StatusNotImplemented: // a sign of life has another try
		default:
			if code >= 400 {
				return &StatusError{Method: "a request", Code: code, Reason: m.Response.Reason}
			}
		}
	}
}

func (p *push) close() {
	for _, closeSocket := range p.closers {
		closeSocket()
	}
}
