package rtmp

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

func (x *session) play(c command) error {
	if x.publisher != nil || x.feed != nil {
		return x.refuse("NetStream.Play.Failed", "the connection publishes or plays already", nil)
	}
	key, params, err := x.link.stream(c.text(1), x.server.config().EnableVHost)
	if err != nil {
		return x.refuse("NetStream.Play.Failed", "the URL is too long", err)
	}
	err = x.reader.While(x.conn, func(ctx context.Context) (err error) {
		x.player, err = x.server.media.Play(ctx, media.PlayRequest{
			Stream: key, Session: x.entry, Schema: "rtmp", Params: params,
		})
		return err
	})
	if x.player == nil {
		return x.refusePlay(key, err)
	}
	if err != nil {
		return err
	}
	if err := x.begin(c.milliseconds(2)); errors.Is(err, media.ErrBeyondEnd) {
		x.player.Close(nil)
		x.player = nil
		return x.write(appendStatus(nil, "error", "NetStream.Play.Failed", "the start is beyond the end"))
	}
	if err := x.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	x.settle() // before the client hears that it plays
	x.playing.Store(true)
	x.feed, err = x.player.Feed(x.conn, x.server.format, media.FeedOptions{Prelude: playPrelude(key.Name), OnEnd: x.finish})
	if err != nil {
		return err
	}
	x.logger().Debug("playing")
	return nil
}

// begin moves a source that is not played yet to where the player wants to begin (section 7.2.2.1: the start, in milliseconds as
// all players send it). The error is media.ErrBeyondEnd for what is behind its end. Where there is no such place for another
// reason, or the stream is live, that is the beginning.
func (x *session) begin(at time.Duration) error {
	if _, private := x.player.Private(); !private || at <= 0 {
		return nil
	}
	err := x.seekTo(at)
	if err != nil && !errors.Is(err, media.ErrBeyondEnd) {
		x.logSeek(err)
		return nil
	}
	return err
}

// playPrelude is what a player must be told before media. Data messages besides onMetaData, which other servers send,
// are not among it: ffmpeg takes them for a stream of unknown data.
func playPrelude(name string) []byte {
	b := appendEvent(nil, eventStreamBegin, mediaStream)
	b = appendStatus(b, "status", "NetStream.Play.Reset", "playing and resetting "+name)
	return appendStatus(b, "status", "NetStream.Play.Start", "started playing "+name)
}

// refusePlay tells the peer why it may not play.
func (x *session) refusePlay(key hook.StreamKey, err error) error {
	code, text := "NetStream.Play.BadAuth", hook.PeerText(err)
	switch {
	case errors.Is(err, media.ErrStreamNotFound), errors.Is(err, media.ErrBadName):
		code, text = "NetStream.Play.StreamNotFound", "no such stream"
	case errors.Is(err, media.ErrServerClosed):
		text = "the server ends"
	}
	return x.refuse(code, text, &acceptor.StreamError{Op: "play", Stream: key.String(), Err: err})
}

// finish is called when the player has got all there is, or cannot be written to. It ends watch, and with it
// the session.
func (x *session) finish(err error) {
	x.feedErr.Store(&err)
	if !errors.Is(err, io.EOF) || !x.sayEnd() || !acceptor.HangUp(x.conn) {
		x.conn.Close()
	}
}

// sayEnd tells a player that its stream has ended, and reports whether it could.
func (x *session) sayEnd() bool {
	b := appendEvent(nil, eventStreamEOF, mediaStream)
	b = appendStatus(b, "status", "NetStream.Play.UnpublishNotify", "the stream has ended")
	b = appendStatus(b, "status", "NetStream.Play.Stop", "the stream has ended")
	if x.conn.SetWriteDeadline(time.Now().Add(x.server.config().WriteTimeout)) != nil {
		return false
	}
	n, err := x.conn.Write(b)
	x.entry.Sent(n)
	return err == nil
}

// finishTime is how long a player that has had enough may take for the message under way.
const finishTime = time.Second

// closePlayer ends a player that has had enough, behind the message under way and what was answered.
func (x *session) closePlayer() error {
	x.finished = true
	if x.feed != nil {
		_ = x.feed.Finish(finishTime) // a player that does not take it has lost it
	}
	x.player.Close(nil)
	if !acceptor.HangUp(x.conn) {
		x.conn.Close()
	}
	return nil
}

// pause stops the media of a player, or lets it go on. The answer comes after the last and before the first of it.
func (x *session) pause(c command) error {
	if x.feed == nil {
		return nil
	}
	x.paused = c.flag(1)
	if x.paused {
		x.feed.Pause(true)
		return x.write(appendStatus(appendEvent(nil, eventStreamEOF, mediaStream), "status", "NetStream.Pause.Notify", ""))
	}
	defer x.feed.Pause(false)
	return x.write(appendStatus(appendEvent(nil, eventStreamBegin, mediaStream), "status", "NetStream.Unpause.Notify", ""))
}
