package rtsp

import (
	"errors"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// errTeardown ends a session whose client wants that.
var errTeardown = errors.New("rtsp: torn down")

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// end closes whatever the session has open.
func (x *session) end(err error) {
	if cause := x.feedErr.Load(); cause != nil {
		err = *cause
	}
	x.unreserve()
	if x.server.acceptor.Closing() && x.recording() {
		x.entry.Kick(ErrServerClosed) // what the host itself ends need not wait for another publisher
	}
	if x.publisher != nil {
		x.publisher.close(x.finished, err)
	}
	whole := !x.finished || x.takeBack()
	if x.player != nil {
		x.player.close(err)
	}
	log := x.logger()
	if _, refused := errors.AsType[*acceptor.Refusal](err); refused {
		acceptor.Linger(x.conn)
	}
	if x.finished && whole {
		_ = acceptor.Guard(x.seeOff)
	}
	gone := errors.Is(err, syscall.ECONNRESET) && (x.player != nil || x.publisher != nil) // of a publisher the stream says so
	quiet := x.finished || gone || errors.Is(err, errTunnelled)
	admitted := x.playing() || x.recording()
	x.server.ends.Log(log, acceptor.End{Err: err, Kicked: x.entry.Err(), Quiet: quiet, Admitted: admitted})
	if !errors.Is(err, errTunnelled) { // the connection is another session's now
		x.Abort()
	}
	x.entry.Close()
	x.server.acceptor.Forget(x)
}

// takeBack ends the player's feed behind the frame under way and the answer to TEARDOWN, and reports whether more can be
// said.
func (x *session) takeBack() bool {
	return x.player == nil || x.player.feed == nil || x.player.feed.Finish(afterwards) == nil
}

// seeOff answers what a client asks after TEARDOWN, until it hangs up: GStreamer fails if it cannot ask for PAUSE
// then.
func (x *session) seeOff() error {
	if err := x.in.SetReadDeadline(time.Now().Add(afterwards)); err != nil {
		return err
	}
	for {
		m, err := x.reader.Next()
		if err != nil {
			return err
		}
		if m.Request == nil {
			continue
		}
		res := x.complete(m.Request, &wire.Response{Code: wire.StatusSessionNotFound})
		if err := x.conn.SetWriteDeadline(time.Now().Add(afterwards)); err != nil {
			return err
		}
		if _, err := x.conn.Write(res.Append(nil)); err != nil {
			return err
		}
	}
}

// logNoPort says that a client gets no port: to learn that it need not be admitted.
func (x *session) logNoPort(who string, err error) {
	if n, ok := x.server.noPort.Ready(); ok {
		x.logger().Warn("no port for a "+who, "err", err, "number", n)
	}
}

// logger returns a logger that says which session it is, and what it publishes or plays.
func (x *session) logger() *slog.Logger {
	info := x.entry.Info()
	log := x.server.log.With("session", info.ID, "proto", info.Protocol, "peer", acceptor.Peer(x.conn))
	switch {
	case x.publisher != nil:
		return log.With("stream", x.publisher.request.Stream.String())
	case x.player != nil:
		return log.With("stream", x.player.media.Stream().Key().String())
	}
	return log
}
