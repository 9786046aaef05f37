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
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
)

// Pull plays FLV from a URL (http or https) and publishes what comes as the stream key, until ctx or either side ends. OnPublish is not
// asked. User and password of the URL are sent as HTTP Basic (RFC 7617), to the server that it names alone; redirects are followed. The
// error is never nil: that of ctx, io.EOF when the server has ended the stream, a *[StatusError], or what the network or the stream
// failed with.
func Pull(ctx context.Context, m *media.Server, rawURL string, key media.StreamKey, cfg ClientConfig) error {
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
	c.entry = m.NewSession(hook.Session{
		Schema: "rtmp", Protocol: c.url.Scheme,
		Remote: acceptor.Address(c.conn.RemoteAddr()), Local: acceptor.Address(c.conn.LocalAddr()),
	}, func(error) { c.conn.Close() })
	defer c.entry.Close()
	c.entry.Received(c.early)
	p := &pull{client: c, server: m, key: key, cfg: cfg, origin: withoutUser(rawURL), last: time.Now()}
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

	media *media.Publisher // nil until something comes
	tags  *flv.Intake
	last  time.Time // when media came
	until time.Time // the deadline that is set
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
	r := flv.NewReader(p.body)
	for {
		if err := p.wait(); err != nil {
			return err
		}
		typ, stamp, body, err := r.Next()
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			return fmt.Errorf("web: no media for %v", p.cfg.IdleTimeout)
		case errors.Is(err, io.ErrUnexpectedEOF):
			return io.EOF // a server that ends does so where it is
		case err != nil:
			return err
		case (typ == flv.TagAudio || typ == flv.TagVideo) && len(body) > 0:
			p.last = time.Now()
		}
		if p.media == nil {
			if err := p.begin(ctx); err != nil {
				return err
			}
			telling.Go(func() { outbound.TellPlaying(ctx, p.cfg.OnPlaying, p.media.Stream(), p.server, p.entry) })
		}
		if len(body) == 0 {
			continue
		}
		if err := p.tags.Take(typ, uint32(stamp/time.Millisecond), body); err != nil {
			return err
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

// begin publishes the stream.
func (p *pull) begin(ctx context.Context) (err error) {
	p.media, err = p.server.Publish(ctx, media.PublishRequest{
		Stream: p.key, Session: p.entry, Schema: "rtmp", Origin: hook.OriginPull, OriginURL: p.origin, Authorized: true,
		Options: p.cfg.Options,
	})
	if err != nil {
		return err
	}
	p.tags = flv.NewIntake(p.media, func(err error) {
		p.server.Logger().Warn("media left out", "stream", p.key.String(), "origin", redact.URL(p.origin), "err", err)
	})
	return nil
}
