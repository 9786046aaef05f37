package rtmp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
	"github.com/sluice-media/sluice/rtmp/internal/handshake"
)

// How much is read ahead of a player, which says little, and of a publisher.
const (
	smallBuffer = 16
	largeBuffer = 8 << 10
)

// session is one connection: first a client of which nothing is known, then a publisher or a player. One
// goroutine at a time reads the connection and owns what is here.
type session struct {
	server  *Server
	conn    net.Conn
	entry   *media.Session
	reader  *chunk.Reader
	playing atomic.Bool

	link      link // what connect said
	publisher *publication
	player    *media.Player
	feed      *media.Feed // once it is there, everything is written through it
	readUntil time.Time   // the read deadline of a publisher
	fcName    string      // what FCPublish announced
	finished  bool        // the peer has said so
}

func newSession(s *Server, conn net.Conn) *session {
	x := &session{server: s, conn: conn}
	x.entry = s.media.NewSession(hook.Session{
		Schema: "rtmp", Protocol: s.protocol(),
		Remote: addrPort(conn.RemoteAddr()), Local: addrPort(conn.LocalAddr()),
	}, func(error) { conn.Close() })
	return x
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

func (x *session) logger() *slog.Logger {
	return x.server.log.With("session", x.entry.Info().ID, "proto", x.entry.Info().Protocol, "peer", x.conn.RemoteAddr().String())
}

// serve runs the session until it ends or has become a player, whose connection is then watched by a
// goroutine of its own: the stack of this one has grown, and players are many.
func (x *session) serve() {
	err := x.guard(x.negotiate)
	if err == nil && x.feed != nil {
		x.reader.Resize(smallBuffer)
		x.server.running.Go(x.watch)
		return
	}
	x.end(err)
}

// watch reads what a player sends.
func (x *session) watch() {
	err := x.reader.Wait()
	for err == nil {
		err = x.guard(x.readOne)
		if err == nil {
			err = x.reader.Wait()
		}
	}
	x.end(err)
}

// guard turns a panic into an error, so that it ends this session only.
func (x *session) guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("rtmp: panic: %v\n%s", r, debug.Stack())
		}
	}()
	return fn()
}

// negotiate goes as far as the publish or play command, and on to the end if it is publish.
func (x *session) negotiate() error {
	deadline := time.Now().Add(x.server.cfg.HandshakeTimeout)
	if err := x.conn.SetDeadline(deadline); err != nil {
		return err
	}
	x.reader = chunk.NewReader(x.conn, x.entry.Received)
	if err := handshake.Serve(x.conn); err != nil {
		return err
	}
	x.readUntil = deadline
	return x.readAll()
}

// readAll handles messages until the session is over, or has become a player.
func (x *session) readAll() error {
	for x.feed == nil {
		if err := x.readOne(); err != nil {
			return err
		}
	}
	return nil
}

// readOne handles one message.
func (x *session) readOne() error {
	m, err := x.reader.Next()
	if err != nil {
		return err
	}
	if err := x.extendDeadline(); err != nil {
		return err
	}
	if n, due := x.reader.AckDue(); due {
		if err := x.write(chunk.AppendUint32Message(nil, chunk.TypeAcknowledgement, n)); err != nil {
			return err
		}
	}
	return x.handle(m)
}

// extendDeadline gives a publisher that is heard of more time, now and then.
func (x *session) extendDeadline() error {
	if x.publisher == nil {
		return nil
	}
	now, idle := time.Now(), x.server.cfg.IdleTimeout
	if x.readUntil.Sub(now) > idle/2 {
		return nil
	}
	x.readUntil = now.Add(idle)
	return x.conn.SetReadDeadline(x.readUntil)
}

// write sends what is not media.
func (x *session) write(b []byte) error {
	if x.feed != nil {
		x.feed.Insert(b)
		return nil
	}
	if err := x.conn.SetWriteDeadline(time.Now().Add(x.server.cfg.WriteTimeout)); err != nil {
		return err
	}
	_, err := x.conn.Write(b)
	x.entry.Sent(len(b))
	return err
}

// handle obeys one message.
func (x *session) handle(m chunk.Message) error {
	switch m.Type {
	case chunk.TypeCommandAMF0, chunk.TypeCommandAMF3:
		return x.handleCommand(m)
	case chunk.TypeUserControl:
		return x.handleUserControl(m.Body)
	case chunk.TypeAudio, chunk.TypeVideo, chunk.TypeDataAMF0, chunk.TypeDataAMF3:
		return x.handleMedia(m)
	case chunk.TypeAggregate:
		return x.handleAggregate(m)
	}
	return nil // acknowledgements, shared objects and what is not known
}

func (x *session) handleAggregate(m chunk.Message) error {
	list, err := chunk.Aggregated(m)
	for _, part := range list {
		if err := x.handleMedia(part); err != nil {
			return err
		}
	}
	return err
}

// whileConnected calls fn with a context that ends when the peer goes away.
func (x *session) whileConnected(fn func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	// The time that hooks take and a stream is waited for is theirs, not the peer's.
	if err := x.conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			err := x.reader.Await()
			if errors.Is(err, io.ErrShortBuffer) {
				return
			}
			if err != nil {
				cancel()
				return
			}
		}
	}()
	err := fn(ctx)
	_ = x.conn.SetReadDeadline(time.Unix(1, 0)) // ends the watch
	<-watched
	return errors.Join(err, x.conn.SetReadDeadline(time.Time{}))
}

// close ends the session's connection and takes it off all lists.
func (x *session) close() {
	x.conn.Close()
	x.entry.Close()
	x.server.forget(x)
}

// end closes whatever the session has open.
func (x *session) end(err error) {
	if x.publisher != nil {
		x.publisher.media.Close(err) // who has not finished has dropped
	}
	if x.player != nil {
		x.player.Close(err)
	}
	x.logEnd(err)
	x.close()
}

// logEnd writes the one line that says why a session ended.
func (x *session) logEnd(err error) {
	log := x.logger()
	switch kicked := x.entry.Err(); {
	case kicked != nil:
		log.Info("session kicked", "cause", kicked)
	case err == nil || x.finished || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || x.player != nil && errors.Is(err, syscall.ECONNRESET):
		log.Debug("session ended")
	case errors.Is(err, os.ErrDeadlineExceeded):
		log.Info("session timed out", "err", err)
	default:
		log.Info("session failed", "err", err)
	}
}
