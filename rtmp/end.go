package rtmp

import (
	"errors"
	"log/slog"
	"syscall"

	"github.com/sluice-media/sluice/internal/acceptor"
)

// end closes whatever the session has open.
func (x *session) end(err error) {
	if cause := x.feedErr.Load(); cause != nil {
		err = *cause
	}
	if x.server.acceptor.Closing() && x.publisher != nil {
		x.entry.Kick(ErrServerClosed) // what the host itself ends need not wait for another publisher
	}
	if x.publisher != nil {
		x.publisher.media.Close(err) // who has not finished has dropped
	}
	if x.player != nil {
		x.player.Close(err)
	}
	gone := errors.Is(err, syscall.ECONNRESET) && (x.player != nil || x.publisher != nil) // of a publisher the stream says so
	quiet := x.finished || gone
	admitted := x.publisher != nil || x.player != nil
	x.server.ends.Log(x.logger(), acceptor.End{Err: err, Kicked: x.entry.Err(), Quiet: quiet, Admitted: admitted})
	x.conn.Close()
	x.entry.Close()
	x.server.acceptor.Forget(x)
}

// logger returns a logger that says which session it is, and what it publishes or plays.
func (x *session) logger() *slog.Logger {
	info := x.entry.Info()
	log := x.server.log.With("session", info.ID, "proto", info.Protocol, "peer", acceptor.Peer(x.conn))
	switch {
	case x.publisher != nil:
		return log.With("stream", x.publisher.media.Stream().Key().String())
	case x.player != nil:
		return log.With("stream", x.player.Stream().Key().String())
	}
	return log
}
