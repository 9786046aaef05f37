package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

// How long, and for how many bytes, a session stays after its last word, so that the peer can take it: a
// connection closed with bytes unread is reset, and the peer may lose what it has not read yet.
const (
	lingerTime  = time.Second
	lingerBytes = 256 << 10
)

// panicError is a panic of a session.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("rtmp: panic: %v", e.value) }

// guard turns a panic into an error, so that it ends this session only.
func (x *session) guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &panicError{r, debug.Stack()}
		}
	}()
	return fn()
}

// hangUp says that nothing more will be sent, and gives the peer a moment to take what was and to close. It
// reports whether the connection can do that; who reads it sees the end, or the deadline.
func (x *session) hangUp() bool {
	c, ok := x.conn.(interface{ CloseWrite() error })
	return ok && c.CloseWrite() == nil && x.conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil
}

// linger hangs up and reads until the peer has closed, or the moment is over.
func (x *session) linger() {
	if x.hangUp() {
		_, _ = io.CopyN(io.Discard, x.conn, lingerBytes)
	}
}

// end closes whatever the session has open.
func (x *session) end(err error) {
	if cause := x.feedErr.Load(); cause != nil {
		err = *cause
	}
	if x.publisher != nil {
		x.publisher.media.Close(err) // who has not finished has dropped
	}
	if x.player != nil {
		x.player.Close(err)
	}
	x.logEnd(err)
	x.close()
}

// close ends the session's connection and takes it off all lists.
func (x *session) close() {
	x.conn.Close()
	x.entry.Close()
	x.server.acceptor.Forget(x)
}

// logger returns a logger that says which session it is, and what it publishes or plays.
func (x *session) logger() *slog.Logger {
	info := x.entry.Info()
	log := x.server.log.With("session", info.ID, "proto", info.Protocol, "peer", x.conn.RemoteAddr().String())
	switch {
	case x.publisher != nil:
		return log.With("stream", x.publisher.media.Stream().Key().String())
	case x.player != nil:
		return log.With("stream", x.player.Stream().Key().String())
	}
	return log
}

// logEnd writes the one line that says why a session ended.
func (x *session) logEnd(err error) {
	log := x.logger()
	if p, ok := errors.AsType[*panicError](err); ok {
		log.Error("session panicked", "err", err, "stack", string(p.stack))
		return
	}
	switch kicked := x.entry.Err(); {
	case kicked != nil:
		log.Info("session kicked", "cause", kicked)
	case x.endsQuietly(err):
		log.Debug("session ended", "cause", err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		log.Info("session timed out", "err", err)
	default:
		log.Info("session failed", "err", err)
	}
}

// endsQuietly reports whether err says no more than that one of the two has closed.
func (x *session) endsQuietly(err error) bool {
	for _, usual := range []error{io.EOF, net.ErrClosed, context.Canceled} {
		if errors.Is(err, usual) {
			return true
		}
	}
	return err == nil || x.finished || x.player != nil && errors.Is(err, syscall.ECONNRESET)
}
