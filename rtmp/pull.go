package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// Pull plays a URL (rtmp or rtmps) and publishes what comes as the stream key, until ctx or either side ends. What the server says is
// recorded goes at the pace of its stamps. OnPublish is not asked. The error is never nil: that of ctx, io.EOF when the server has ended
// the stream, a *[StatusError], or what the network or the stream failed with.
func Pull(ctx context.Context, m *media.Server, rawURL string, key media.StreamKey, cfg ClientConfig) error {
	c, err := dialServer(ctx, rawURL, cfg)
	if err != nil {
		return err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { c.conn.Close() })()
	c.entry = outbound.NewSession(m, "rtmp", c.conn)
	defer c.entry.Close()
	p := &pull{client: c, server: m, key: key}
	err = outbound.Ended(ctx, c.entry, acceptor.Guard(func() error { return p.run(ctx) }))
	if p.publication != nil {
		p.media.Close(err)
	}
	return err
}

// pull is a stream that is pulled.
type pull struct {
	*client
	*publication // nil until the server plays
	server       *media.Server
	key          media.StreamKey
	last         time.Time // when media came
	short        bool      // the server was told of fileBuffer
}

const (
	// liveBuffer is what servers of what is live are told that there is room for: some send no faster than that allows.
	liveBuffer = time.Minute
	// fileBuffer is how far ahead a server may send what is recorded: its pings are behind that.
	fileBuffer = 3 * time.Second
)

func (p *pull) run(ctx context.Context) error {
	if err := p.open(false); err != nil {
		return err
	}
	b := appendCommand(nil, controlStream, p.stream, "play", p.next(), nil, p.name, -2000.0)
	b = appendBufferLength(b, p.stream, liveBuffer)
	if err := p.write(b); err != nil {
		return err
	}
	p.reader.Stream(largeBuffer)
	p.reader.Limit(chunk.Full())
	begin := func() error { return p.begin(ctx) }
	first := func(m chunk.Message) error {
		if err := begin(); err != nil {
			return err
		}
		return p.take(m)
	}
	if err := p.started("play", first, "NetStream.Play.Start"); err != nil {
		return err
	}
	if p.publication == nil {
		if err := begin(); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	var telling sync.WaitGroup
	defer telling.Wait()
	defer cancel()
	telling.Go(func() { outbound.TellPlaying(ctx, p.cfg.OnPlaying, p.media.Stream(), p.server, p.entry) })
	return p.readAll()
}

// begin publishes the stream.
func (p *pull) begin(ctx context.Context) error {
	pub, err := p.server.Publish(ctx, media.PublishRequest{
		Stream: p.key, Session: p.entry, Schema: "rtmp", Origin: hook.OriginPull, OriginURL: p.url, Authorized: true,
		Options: p.cfg.Options,
	})
	if err != nil {
		return err
	}
	warn := func(err error) {
		p.server.Logger().Warn("media left out", "stream", p.key.String(), "origin", redact.URL(p.url), "err", err)
	}
	sink := &pulled{pub, p.client, pace.Pacer{Sink: pub, Warn: warn, Done: ctx.Done(), Why: func() error { return context.Cause(ctx) }}}
	p.publication, p.last = &publication{media: pub, tags: flv.NewIntake(sink, warn)}, time.Now()
	return nil
}

// pulled takes what is pulled: what is recorded, when it is due.
type pulled struct {
	*media.Publisher
	client *client
	pacer  pace.Pacer
}

// WritePacket implements [flv.Sink].
func (p *pulled) WritePacket(pkt *media.Packet) error {
	if p.client.file {
		return p.pacer.WritePacket(pkt)
	}
	return p.Publisher.WritePacket(pkt)
}

// readAll takes what the server sends until it ends, or no media has come for too long: pings are none.
func (p *pull) readAll() error {
	spare := p.cfg.IdleTimeout / 4 // so that the deadline need not be set for each message
	set := time.Time{}
	for {
		if until := p.last.Add(p.cfg.IdleTimeout + spare); until.Sub(set) > spare {
			if err := p.conn.SetReadDeadline(until); err != nil {
				return err
			}
			set = until
		}
		m, err := p.read()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("rtmp: no media for %v", p.cfg.IdleTimeout)
		}
		if err != nil {
			return err
		}
		if p.file && !p.short {
			p.short = true
			if err := p.write(appendBufferLength(nil, p.stream, fileBuffer)); err != nil {
				return err
			}
		}
		if err := p.take(m); err != nil {
			return err
		}
	}
}

// take takes a message.
func (p *pull) take(m chunk.Message) error {
	switch m.Type {
	case chunk.TypeAudio, chunk.TypeVideo, chunk.TypeDataAMF0, chunk.TypeDataAMF3:
		return p.takeMedia(m)
	case chunk.TypeAggregate:
		for part, err := range chunk.Aggregated(m) {
			if err == nil {
				err = p.takeMedia(part)
			}
			if err != nil {
				return err
			}
		}
	case chunk.TypeCommandAMF0, chunk.TypeCommandAMF3:
		return p.takeCommand(m)
	}
	return nil
}

func (p *pull) takeMedia(m chunk.Message) error {
	if len(m.Body) == 0 {
		return nil
	}
	if m.Type == chunk.TypeAudio || m.Type == chunk.TypeVideo {
		p.last = time.Now()
	}
	return p.tag(m)
}

// takeCommand notices that the server has ended the stream.
func (p *pull) takeCommand(m chunk.Message) error {
	c, ok := commandOf(m)
	if !ok || c.name != "onStatus" {
		return nil
	}
	status := statusOf("play", c)
	switch {
	case status.Code == "NetStream.Play.UnpublishNotify", status.Code == "NetStream.Play.Stop", status.Code == "NetStream.Play.Complete":
		return io.EOF
	case c.object(1).String("level") == "error":
		return status
	}
	return nil
}
