package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/media"
)

// Push publishes the stream key to a URL (rtmp or rtmps), until ctx or either side ends. It does not wait for the stream: without it the
// error is [media.ErrStreamNotFound]. The error is never nil: that of ctx, io.EOF when the stream has ended, a *[StatusError], or what
// the network failed with. The push counts as a reader of the stream: it is in the session list, and whoever kicks it there ends it
// with the cause.
func Push(ctx context.Context, m *media.Server, key media.StreamKey, rawURL string, cfg ClientConfig) error {
	st, ok := m.Stream(key)
	if !ok {
		return media.ErrStreamNotFound
	}
	if _, err := st.Tracks(ctx); err != nil {
		return err
	}
	c, err := dialServer(ctx, rawURL, cfg)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	c.entry = outbound.NewSession(m, "rtmp", c.conn)
	defer c.entry.Close()
	player, err := m.Play(ctx, media.PlayRequest{Stream: key, Session: c.entry, Schema: "rtmp", Authorized: true, NoWait: true})
	if err != nil {
		return err
	}
	p := &push{client: c, player: player}
	err = acceptor.Guard(func() error { return p.run(ctx) })
	switch cause := c.entry.Err(); {
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
	*client
	player *media.Player
}

func (p *push) run(ctx context.Context) error {
	if err := p.open(true); err != nil {
		return err
	}
	if err := p.write(appendCommand(nil, controlStream, p.stream, "publish", p.next(), nil, p.name, "live")); err != nil {
		return err
	}
	if err := p.started("publish", nil, "NetStream.Publish.Start"); err != nil {
		return err
	}
	if err := p.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	ended := make(chan error, 1)
	format, release, err := outbound.Format(ctx, p.player.Stream(), pushed{p.cfg.LegacyCodecs, p.stream}, p.format)
	if err != nil {
		return err
	}
	defer release()
	feed, err := p.player.Feed(p.conn, format, media.FeedOptions{OnEnd: func(err error) { ended <- err }})
	if err != nil {
		return err
	}
	defer feed.Close()
	var others sync.WaitGroup
	defer others.Wait()
	others.Go(func() { outbound.Tell(p.cfg.OnPlaying, p.player.Stream().Server(), p.entry) })
	p.insert = feed.Insert
	heard := make(chan error, 1)
	others.Go(func() { heard <- p.hear() })
	defer p.conn.Close() // ends hear
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case err := <-ended:
		return p.finish(err)
	case err := <-heard:
		return err
	}
}

// pushed is what the pushes have in common whose messages are the same.
type pushed struct {
	legacy bool
	stream uint32 // the message stream
}

func (p *push) format() *media.Format {
	format, encoder, stream := newFormat(p.cfg.LegacyCodecs), flv.Encoder{Legacy: p.cfg.LegacyCodecs}, p.stream
	format.New = func() media.Muxer { return &muxer{encoder: encoder, stream: stream, publishes: true} }
	return format
}

// finish tells the server that the stream has ended, as a courtesy.
func (p *push) finish(err error) error {
	if errors.Is(err, io.EOF) && p.conn.SetWriteDeadline(time.Now().Add(finishTime)) == nil {
		b := appendCommand(nil, controlStream, 0, "FCUnpublish", 0, nil, p.name)
		b = appendCommand(b, controlStream, 0, "deleteStream", 0, nil, float64(p.stream))
		_, _ = p.conn.Write(b)
	}
	return err
}

// hear obeys what the server says, until it says that it has enough, or nothing more.
func (p *push) hear() error {
	for {
		m, err := p.read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return fmt.Errorf("rtmp: the server has ended: %w", err)
		}
		c, ok := commandOf(m)
		if ok && c.name == "onStatus" && c.object(1).String("level") == "error" {
			return statusOf("publish", c)
		}
	}
}
