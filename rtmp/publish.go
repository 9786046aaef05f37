package rtmp

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

// publication is what a session that publishes has.
type publication struct {
	media *media.Publisher
	tags  *flv.Intake
	begun time.Time
	heard bool // it has sent something
}

func (x *session) publish(c command) error {
	name := c.text(1)
	if x.publisher != nil || x.feed != nil {
		return x.refuse("NetStream.Publish.BadName", "the connection publishes or plays already", nil)
	}
	if name == "" {
		name = x.fcName
	}
	key, params, err := x.link.stream(name, x.server.config().EnableVHost)
	if err != nil {
		return x.refuse("NetStream.Publish.BadName", "the URL is too long", err)
	}
	var pub *media.Publisher
	err = x.reader.While(x.conn, func(ctx context.Context) (err error) {
		pub, err = x.server.media.Publish(ctx, media.PublishRequest{
			Stream: key, Session: x.entry, Schema: "rtmp", Params: params,
			Origin: hook.OriginRTMPPush, OriginURL: originURL(key, params),
		})
		return err
	})
	if pub == nil {
		return x.refusePublish(key, err)
	}
	x.publisher = &publication{media: pub, begun: time.Now()}
	x.publisher.tags = flv.NewIntake(pub, func(err error) { x.logger().Warn("media left out", "err", err) })
	if err != nil {
		return err
	}
	x.reader.Stream(largeBuffer)
	x.reader.Limit(chunk.Full())
	x.finished = false
	x.settle()
	x.logger().Info("publishing")
	if err := x.beginIdle(); err != nil {
		return err
	}
	b := publishStarted(key.Name, x.fcName)
	x.fcName = ""
	return x.write(b)
}

// publishStarted is what a publisher is told when it was admitted; one that began with FCPublish hears the
// answer to that too.
func publishStarted(name, fcName string) []byte {
	b := appendEvent(nil, eventStreamBegin, mediaStream)
	if fcName != "" {
		b = appendCommand(b, controlStream, 0, "onFCPublish", 0, nil,
			status("status", "NetStream.Publish.Start", "FCPublish to stream "+fcName))
	}
	return appendStatus(b, "status", "NetStream.Publish.Start", "publishing "+name)
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
	code, text := "NetStream.Publish.BadAuth", hook.PeerText(err)
	switch {
	case errors.Is(err, media.ErrStreamExists):
		code, text = "NetStream.Publish.BadName", "the stream is being published already"
	case errors.Is(err, media.ErrBadName):
		code, text = "NetStream.Publish.BadName", "the URL names no app and stream"
	case errors.Is(err, media.ErrServerClosed):
		text = "the server ends"
	}
	return x.refuse(code, text, &acceptor.StreamError{Op: "publish", Stream: key.String(), Err: err})
}

// refuse tells the peer what went wrong and ends the session. A peer that has left meanwhile is told nothing.
func (x *session) refuse(code, text string, cause error) error {
	if errors.Is(cause, context.Canceled) {
		return cause
	}
	if err := x.write(appendStatus(nil, "error", code, text)); err != nil {
		return err
	}
	if x.feed == nil {
		acceptor.Linger(x.conn)
	}
	if cause == nil {
		cause = fmt.Errorf("%s: %s", code, text)
	}
	return &acceptor.Refusal{Cause: cause}
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
	p.heard = true
	return p.tag(m)
}

// tag takes a message as the tag that it is in FLV.
func (p *publication) tag(m chunk.Message) error {
	switch m.Type {
	case chunk.TypeDataAMF0, chunk.TypeDataAMF3:
		return p.tags.Take(flv.TagScript, m.Timestamp, amf0Body(m))
	}
	return p.tags.Take(m.Type, m.Timestamp, m.Body)
}

// closeStream is how a peer says that it has finished. A publisher may go on with another stream, or is expected
// to close the connection: there are those that take it for an error when the server does.
func (x *session) closeStream() error {
	switch {
	case x.publisher != nil:
		x.publisher.media.Close(nil)
		x.publisher, x.finished = nil, true
		x.reader.Limit(chunk.Early())
		return x.conn.SetReadDeadline(time.Now().Add(x.server.config().HandshakeTimeout))
	case x.player != nil:
		return x.closePlayer()
	}
	return nil
}
