package rtmp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// publication is what a session that publishes has.
type publication struct {
	media  *media.Publisher
	demux  *flv.Demuxer
	stamps stamps
	broken uint64 // tags that could not be used
}

// stamps unrolls the 32 bits of milliseconds of a publisher, so that a wrap is no jump.
type stamps struct {
	begun bool
	last  uint32
	at    int64
}

func (s *stamps) unroll(stamp uint32) time.Duration {
	if !s.begun {
		s.begun = true
		s.at = int64(stamp)
	} else {
		s.at += int64(int32(stamp - s.last))
	}
	s.last = stamp
	return time.Duration(s.at) * time.Millisecond
}

func (x *session) publish(c command) error {
	name := c.text(1)
	if x.publisher != nil || x.feed != nil {
		return x.refuse("NetStream.Publish.BadName", "the connection publishes or plays already", nil)
	}
	if name == "" {
		name = x.fcName
	}
	key, params := x.link.stream(name, x.server.cfg.EnableVHost)
	var pub *media.Publisher
	err := x.whileConnected(func(ctx context.Context) (err error) {
		pub, err = x.server.media.Publish(ctx, media.PublishRequest{
			Stream: key, Session: x.entry, Schema: "rtmp", Params: params,
			Origin: hook.OriginRTMPPush, OriginURL: originURL(key, params),
		})
		return err
	})
	if pub == nil {
		return x.refusePublish(key, err)
	}
	x.publisher = &publication{media: pub, demux: flv.NewDemuxer(pub)}
	if err != nil {
		return err
	}
	x.reader.Resize(largeBuffer)
	x.finished = false
	x.logger().Info("publishing", "stream", pub.Stream().Key().String())
	x.readUntil = time.Time{}
	b := appendEvent(nil, eventStreamBegin, mediaStream)
	b = appendStatus(b, "status", "NetStream.Publish.Start", "publishing "+key.Name)
	return x.write(b)
}

func originURL(key hook.StreamKey, params string) string {
	u := "rtmp://" + key.String()
	if params != "" {
		u += "?" + params
	}
	return u
}

// refusePublish tells the peer why it may not publish.
func (x *session) refusePublish(key hook.StreamKey, err error) error {
	code, text := "NetStream.Publish.BadAuth", "the server could not decide"
	denied, ok := hook.Denied(err)
	switch {
	case ok:
		text = denied.Error()
	case errors.Is(err, media.ErrStreamExists):
		code, text = "NetStream.Publish.BadName", "the stream is being published already"
	case errors.Is(err, media.ErrBadName):
		code, text = "NetStream.Publish.BadName", "the URL names no app and stream"
	case errors.Is(err, media.ErrServerClosed):
		text = "the server ends"
	}
	return x.refuse(code, text, fmt.Errorf("rtmp: publish %s: %w", key, err))
}

// refuse tells the peer what went wrong and ends the session.
func (x *session) refuse(code, text string, cause error) error {
	if err := x.write(appendStatus(nil, "error", code, text)); err != nil {
		return err
	}
	if cause == nil {
		cause = fmt.Errorf("rtmp: %s: %s", code, text)
	}
	return cause
}

// handleMedia takes what a publisher sends.
func (x *session) handleMedia(m chunk.Message) error {
	p := x.publisher
	if p == nil {
		return nil // not admitted, or a player that talks
	}
	if len(m.Body) == 0 {
		return nil
	}
	body, typ := m.Body, m.Type
	switch typ {
	case chunk.TypeDataAMF3:
		body = body[1:] // a byte that says AMF0 follows
		fallthrough
	case chunk.TypeDataAMF0:
		typ = flv.TagScript
	}
	err := p.demux.Tag(typ, p.stamps.unroll(m.Timestamp), body)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, flv.ErrBadTag), errors.Is(err, flv.ErrUnsupported):
		p.broken++
		if p.broken == 1 {
			x.logger().Warn("media left out", "stream", p.media.Stream().Key().String(), "err", err)
		}
		return nil
	}
	return err
}

// closeStream is how a peer says that it has finished. It may publish or play again, or is expected to close
// the connection: there are those that take it for an error when the server does.
func (x *session) closeStream() error {
	switch {
	case x.publisher != nil:
		x.publisher.media.Close(nil)
	case x.player != nil:
		x.player.Close(nil)
	default:
		return nil
	}
	x.publisher, x.player, x.feed = nil, nil, nil
	x.playing.Store(false)
	x.finished = true
	return x.conn.SetReadDeadline(time.Now().Add(x.server.cfg.HandshakeTimeout))
}
