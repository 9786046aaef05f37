package rtsp

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// How much is read ahead: of a client of which nothing is known, of a player, which says little, and of a
// publisher.
const (
	firstBuffer = 1 << 10
	smallBuffer = 16
	largeBuffer = 16 << 10
)

// session is one connection and the RTSP session on it, which is bound to it. One goroutine at a time reads
// the connection and owns what is here.
type session struct {
	server *Server
	conn   net.Conn // what is written to
	in     net.Conn // what is read: conn, or the other half of a tunnel
	half   atomic.Pointer[session]
	entry  *media.Session
	reader *wire.Reader
	plays  atomic.Bool

	id        string // of the RTSP session; "" before SETUP
	auth      auth
	player    *playback
	publisher *publication
	feedErr   atomic.Pointer[error] // why a feed ended by itself
	finished  bool                  // the peer has closed its session
	handshake time.Time             // by when PLAY or RECORD must have come
	pending   bool                  // it holds ports, and neither plays nor records yet
	readUntil time.Time
}

func newSession(s *Server, conn net.Conn) *session {
	x := &session{server: s, conn: conn, in: conn}
	x.entry = s.media.NewSession(hook.Session{
		Schema: "rtsp", Protocol: s.protocol(),
		Remote: acceptor.Address(conn.RemoteAddr()), Local: acceptor.Address(conn.LocalAddr()),
	}, func(error) { x.Abort() })
	x.entry.Uses(conn.LocalAddr(), conn.RemoteAddr())
	x.handshake = time.Now().Add(s.config().HandshakeTimeout)
	_ = conn.SetDeadline(x.handshake) // else it is closed, as negotiate finds
	return x
}

// Abort implements [acceptor.Session].
func (x *session) Abort() {
	x.conn.Close()
	if half := x.half.Load(); half != nil {
		half.conn.Close()
	}
}

// Listens implements [acceptor.Session].
func (x *session) Listens() bool { return true }

// Plays implements [acceptor.Session].
func (x *session) Plays() bool { return x.plays.Load() }

// Serve runs the session until it ends or has become a player, which is then waited for without a goroutine: players are
// many.
func (x *session) Serve() {
	err := acceptor.Guard(x.negotiate)
	if err == nil && x.playing() {
		x.reader.Resize(smallBuffer)
		x.rest()
		return
	}
	x.end(err)
}

func (x *session) playing() bool { return x.player != nil && x.player.begun }

func (x *session) recording() bool { return x.publisher != nil && x.publisher.media != nil }

// negotiate goes as far as PLAY, and on to the end if it is RECORD.
func (x *session) negotiate() error {
	x.reader = wire.NewReader(x.conn, firstBuffer, x.entry.Received)
	for !x.playing() {
		if err := x.readOne(); err != nil {
			return err
		}
	}
	return nil
}

// while calls fn, which asks hooks or the core, with a context that ends when the client goes away. The time that it
// takes is not the client's: the handshake may take so much longer, and has no other extension.
func (x *session) while(fn func(context.Context) error) error {
	begun := time.Now()
	err := x.reader.While(x.in, fn)
	x.handshake = x.handshake.Add(time.Since(begun))
	return errors.Join(err, x.in.SetReadDeadline(x.handshake))
}

// rest waits until a player says something.
func (x *session) rest() {
	if x.reader.Idle() {
		x.server.acceptor.Await(x.in, x)
		return
	}
	x.server.acceptor.Go(x.hear)
}

// Wake implements [idle.Sleeper]. Another goroutine hears what the player says: this one may still have to wait, and what
// hearing takes of the stack is then given back.
func (x *session) Wake() {
	err := x.reader.Wait()
	switch {
	case err == nil:
		x.server.acceptor.Go(x.hear)
	case isTimeout(err) && x.mayBeSilent():
		x.rest()
	default:
		x.end(err)
	}
}

// hear handles what a player says.
func (x *session) hear() {
	if err := acceptor.Guard(x.readOne); err != nil {
		x.end(err)
		return
	}
	x.rest()
}

// mayBeSilent reports whether a player of which nothing has come may go on so, and sets until when.
func (x *session) mayBeSilent() bool {
	if x.player.ended.Load() {
		return false
	}
	left := x.server.config().SessionTimeout - x.player.silence()
	return left > 0 && x.in.SetReadDeadline(time.Now().Add(left)) == nil
}

// readOne handles one message.
func (x *session) readOne() error {
	m, err := x.reader.Next()
	if isTimeout(err) && x.recording() && x.publisher.silence() < x.server.config().IdleTimeout {
		return x.beginIdle() // its media goes by UDP
	}
	if err != nil {
		return err
	}
	switch {
	case m.Request != nil:
		return x.handle(m.Request)
	case m.Response != nil:
		return nil // to nothing that was asked
	}
	return x.handleFrame(m.Frame)
}

// handleFrame takes an interleaved frame: media of a publisher, or the reports of a player.
func (x *session) handleFrame(f wire.Frame) error {
	if !x.recording() {
		return nil
	}
	x.publisher.frame(f, time.Now())
	if time.Until(x.readUntil) > x.server.config().IdleTimeout/2 {
		return nil
	}
	return x.beginIdle()
}

// beginIdle begins the time in which a publisher has to say something.
func (x *session) beginIdle() error {
	x.readUntil = time.Now().Add(x.server.config().IdleTimeout)
	return x.in.SetReadDeadline(x.readUntil)
}

// handle obeys one request.
func (x *session) handle(r *wire.Request) error {
	if strings.HasPrefix(r.Proto, "HTTP/") {
		return x.tunnel(r)
	}
	res, err := x.respond(r)
	if x.server.log.Enabled(context.Background(), slog.LevelDebug) && res != nil {
		x.logger().Debug("request", "method", r.Method, "url", redact.URL(r.URL), "status", res.Code)
	}
	if res == nil {
		return err
	}
	if sent := x.write(x.complete(r, res).Append(nil)); sent != nil {
		return sent
	}
	return err
}

// respond returns the response to a request, unless it was given already. An error ends the session, after the
// response.
func (x *session) respond(r *wire.Request) (*wire.Response, error) {
	if x.player != nil {
		x.player.touch()
	}
	if !x.owns(r) {
		return &wire.Response{Code: wire.StatusSessionNotFound}, nil
	}
	switch r.Method {
	case "OPTIONS":
		return options(), nil
	case "DESCRIBE":
		return x.describe(r)
	case "ANNOUNCE":
		return x.announce(r)
	case "SETUP":
		return x.setup(r)
	case "PLAY":
		return x.play(r)
	case "PAUSE":
		return x.pause()
	case "RECORD":
		return x.record()
	case "TEARDOWN":
		x.finished = true
		if x.publisher != nil {
			x.publisher.finish()
		}
		return &wire.Response{Code: wire.StatusOK}, errTeardown
	case "GET_PARAMETER", "SET_PARAMETER":
		return &wire.Response{Code: wire.StatusOK}, nil
	}
	return &wire.Response{Code: wire.StatusForbidden}, nil
}

// owns reports whether the session that a request names, if it names one, is the one of this connection.
func (x *session) owns(r *wire.Request) bool {
	id, _, _ := strings.Cut(r.Header.Get("Session"), ";")
	return strings.TrimSpace(id) == x.id || !r.Header.Has("Session")
}

// begin gives the session its identifier.
func (x *session) begin() {
	if x.id == "" {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		x.id = hex.EncodeToString(b[:])
	}
}

func options() *wire.Response {
	res := &wire.Response{Code: wire.StatusOK}
	res.Header.Add("Public", "OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, PAUSE, ANNOUNCE, RECORD, SET_PARAMETER, GET_PARAMETER")
	return res
}

// complete puts into a response what all have.
func (x *session) complete(r *wire.Request, res *wire.Response) *wire.Response {
	head := wire.Header{}
	head.Add("CSeq", r.Header.Get("CSeq"))
	head.Add("Date", time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"))
	head.Add("Server", "Sluice")
	if x.id != "" && res.Code == wire.StatusOK {
		head.Add("Session", x.id+";timeout="+strconv.Itoa(int(x.server.config().SessionTimeout/time.Second)))
	}
	res.Header = append(head, res.Header...)
	return res
}

// write sends what is not media.
func (x *session) write(b []byte) error {
	if x.player != nil && x.player.feed != nil && !x.player.ended.Load() {
		x.player.feed.Insert(b)
		return nil
	}
	if err := x.conn.SetWriteDeadline(time.Now().Add(x.server.config().WriteTimeout)); err != nil {
		return err
	}
	_, err := x.conn.Write(b)
	x.entry.Sent(len(b))
	return err
}
