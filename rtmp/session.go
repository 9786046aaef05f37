package rtmp

import (
	"net"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
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
	paused    bool                  // by the peer
	lostPlace bool                  // a seek has failed, which has been logged
	feed      *media.Feed           // once it is there, everything is written through it
	feedErr   atomic.Pointer[error] // why the feed ended by itself
	readUntil time.Time             // the read deadline of a publisher
	fcName    string                // what FCPublish announced
	finished  bool                  // the peer has closed its stream

	unpublishing bool // an answer to FCUnpublish is due
}

func newSession(s *Server, conn net.Conn) *session {
	x := &session{server: s, conn: conn}
	x.entry = s.media.NewSession(hook.Session{
		Schema: "rtmp", Protocol: s.protocol(),
		Remote: acceptor.Address(conn.RemoteAddr()), Local: acceptor.Address(conn.LocalAddr()),
	}, func(error) { conn.Close() })
	x.entry.Uses(conn.LocalAddr(), conn.RemoteAddr())
	_ = conn.SetDeadline(time.Now().Add(s.config().HandshakeTimeout)) // else it is closed, as negotiate finds
	return x
}

// Abort implements [acceptor.Session].
func (x *session) Abort() { x.conn.Close() }

// Listens implements [acceptor.Session].
func (x *session) Listens() bool { return true }

// Plays implements [acceptor.Session].
func (x *session) Plays() bool { return x.playing.Load() }

// Serve runs the session until it ends or has become a player, which is then waited for without a goroutine: players are
// many.
func (x *session) Serve() {
	err := acceptor.Guard(x.negotiate)
	if err == nil && x.feed != nil {
		x.reader.Resize(smallBuffer)
		x.rest()
		return
	}
	x.end(err)
}

// rest waits until a player says something.
func (x *session) rest() {
	if x.reader.Rest() {
		x.server.acceptor.Await(x.conn, x)
		return
	}
	x.server.acceptor.Go(x.hear)
}

// Wake implements [idle.Sleeper]. Another goroutine hears what the player says: this one may still have to wait, and what
// hearing takes of the stack is then given back.
func (x *session) Wake() {
	if err := x.reader.Wait(); err != nil {
		x.end(err)
		return
	}
	x.server.acceptor.Go(x.hear)
}

// hear handles what a player says.
func (x *session) hear() {
	if err := acceptor.Guard(x.readOne); err != nil {
		x.end(err)
		return
	}
	x.rest()
}

// negotiate goes as far as the publish or play command, within the deadline that newSession has set, and on to the end if it
// is publish.
func (x *session) negotiate() error {
	x.reader = chunk.NewReader(x.conn, x.entry.Received)
	x.reader.Limit(chunk.Early())
	if err := handshake.Serve(x.conn); err != nil {
		return err
	}
	x.entry.Received(handshake.Size)
	x.entry.Sent(handshake.Size)
	return x.readAll()
}

// settle says that the peer plays or publishes.
func (x *session) settle() { x.server.media.Settle(x.conn.LocalAddr(), x.conn.RemoteAddr()) }

// readAll handles messages until the session is over, or has become a player.
func (x *session) readAll() error {
	for x.feed == nil {
		if err := x.readOne(); err != nil {
			return x.endUnusable(err)
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
	if n, due := x.reader.AckDue(); due {
		if err := x.write(chunk.AppendUint32Message(nil, chunk.TypeAcknowledgement, n)); err != nil {
			return err
		}
	}
	if err := x.handle(m); err != nil {
		return err
	}
	return x.extendDeadline()
}

// extendDeadline gives a publisher that is heard of more time, now and then.
func (x *session) extendDeadline() error {
	if x.publisher == nil {
		return nil
	}
	if time.Until(x.readUntil) > x.server.config().IdleTimeout/2 {
		return nil
	}
	return x.beginIdle()
}

// beginIdle begins the time in which a publisher has to say something.
func (x *session) beginIdle() error {
	x.readUntil = x.publisher.deadline(x.server.config().IdleTimeout)
	return x.conn.SetReadDeadline(x.readUntil)
}

// write sends what is not media.
func (x *session) write(b []byte) error {
	if x.feed != nil {
		x.feed.Insert(b)
		return nil
	}
	if err := x.conn.SetWriteDeadline(time.Now().Add(x.server.config().WriteTimeout)); err != nil {
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
		return x.handleUserControl(m)
	case chunk.TypeAudio, chunk.TypeVideo, chunk.TypeDataAMF0, chunk.TypeDataAMF3:
		return x.handleMedia(m)
	case chunk.TypeAggregate:
		return x.handleAggregate(m)
	}
	return nil // acknowledgements, shared objects and what is not known
}

func (x *session) handleAggregate(m chunk.Message) error {
	for part, err := range chunk.Aggregated(m) {
		if err != nil {
			return err
		}
		if err := x.handleMedia(part); err != nil {
			return err
		}
	}
	return nil
}
