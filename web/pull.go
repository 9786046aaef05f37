package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/pace"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
)

// Pull plays FLV, MPEG-TS or HLS (RFC 8216) from a URL and publishes what comes as the stream key, until ctx or either side ends. The URL
// is one of http or https, or of ws or wss but for HLS; the first bytes tell what comes. HLS is played with the variant of most bits
// and the sound that is its default (4.3.4.1), three target durations behind. HLS and files go at the pace of their stamps. OnPublish is
// not asked. User and password of the URL are sent as HTTP Basic (RFC 7617), to the server that it names alone; redirects of HTTP are
// followed. The error is never nil: that of ctx, io.EOF when the server has ended the stream, a *[StatusError], or what the network or
// the stream failed with.
func Pull(ctx context.Context, m *media.Server, rawURL string, key media.StreamKey, cfg ClientConfig) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cfg = cfg.withDefaults()
	c, err := dialURL(ctx, rawURL, &cfg)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	p := &pull{client: c, server: m, key: key, cfg: cfg, origin: withoutUser(rawURL), last: time.Now()}
	if err := p.tell(ctx); err != nil {
		return err
	}
	c.entry = m.NewSession(hook.Session{
		Schema: p.schema, Protocol: c.url.Scheme,
		Remote: acceptor.Address(c.conn.RemoteAddr()), Local: acceptor.Address(c.conn.LocalAddr()),
	}, func(cause error) {
		cancel(cause)
		c.conn.Close()
	})
	defer c.entry.Close()
	c.entry.Received(c.early)
	err = outbound.Ended(ctx, c.entry, acceptor.Guard(func() error { return p.run(ctx) }))
	if p.media != nil {
		p.media.Close(err)
	}
	return err
}

// pull is a stream that is pulled.
type pull struct {
	*client
	server *media.Server
	key    media.StreamKey
	cfg    ClientConfig
	origin string // the URL, without credentials

	schema string
	open   func(*pull) source
	sink   flv.Sink         // of what open makes: the pull, or what paces it
	begin  func() error     // publishes
	media  *media.Publisher // nil until the tracks are known
	about  map[string]any   // metadata that came before
	last   time.Time        // when media came
	until  time.Time        // the deadline that is set
}

// tell waits for the first bytes, which tell what comes.
func (p *pull) tell(ctx context.Context) (err error) {
	if err = p.wait(); err == nil {
		p.schema, p.open, err = sourceOf(p.from)
	}
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return p.why(err)
}

// why says why reading has ended.
func (p *pull) why(err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("web: no media for %v", p.cfg.IdleTimeout)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return io.EOF // a server that ends does so where it is
	}
	return err
}

func withoutUser(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return ""
	}
	u.User = nil
	return u.String()
}

// run takes what the server sends until it ends, or no media has come for too long.
func (p *pull) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel()
	p.begin = func() (err error) {
		p.media, err = p.server.Publish(ctx, media.PublishRequest{
			Stream: p.key, Session: p.entry, Schema: p.schema, Origin: hook.OriginPull, OriginURL: p.origin, Authorized: true,
			Options: p.cfg.Options,
		})
		if err == nil {
			telling.Go(func() { outbound.TellPlaying(ctx, p.cfg.OnPlaying, p.media.Stream(), p.server, p.entry) })
		}
		return err
	}
	if p.open == nil {
		return p.playHLS(ctx)
	}
	p.sink = p
	if p.file {
		p.sink = &paced{p, pace.Pacer{Sink: p, Warn: p.warn, Done: ctx.Done(), Why: func() error { return context.Cause(ctx) }}}
	}
	for from := p.open(p); ; {
		if err := p.wait(); err != nil {
			return err
		}
		came, err := from.take()
		if err != nil {
			return p.why(err)
		}
		if came {
			p.last = time.Now()
		}
	}
}

// wait sets until when media is waited for, but not for each tag.
func (p *pull) wait() error {
	spare := p.cfg.IdleTimeout / 4
	until := p.last.Add(p.cfg.IdleTimeout + spare)
	if until.Sub(p.until) <= spare {
		return nil
	}
	p.until = until
	return p.conn.SetReadDeadline(until)
}

// SetTracks publishes the stream when its tracks are known: before, its name is free.
func (p *pull) SetTracks(tracks ...*media.Track) error {
	if p.media == nil {
		if err := p.begin(); err != nil {
			return err
		}
		if p.about != nil {
			p.media.SetMetadata(p.about)
		}
	}
	return p.media.SetTracks(tracks...)
}

// SetMetadata keeps what is known of the stream until there is one.
func (p *pull) SetMetadata(md map[string]any) {
	p.about = md
	if p.media != nil {
		p.media.SetMetadata(md)
	}
}

// WritePacket gives the stream a packet.
func (p *pull) WritePacket(pkt *media.Packet) error { return p.media.WritePacket(pkt) }

// paced is a pull whose packets go on when they are due.
type paced struct {
	*pull
	pacer pace.Pacer
}

// WritePacket implements [flv.Sink].
func (p *paced) WritePacket(pkt *media.Packet) error { return p.pacer.WritePacket(pkt) }

// warn logs why something of what comes is left out.
func (p *pull) warn(err error) {
	p.server.Logger().Warn("media left out", "stream", p.key.String(), "origin", redact.URL(p.origin), "err", err)
}
