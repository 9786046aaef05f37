package gb28181

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/framing"
)

// maxPacket bounds a packet on a connection, in bytes: what claims to be longer is none.
const maxPacket = 10 << 10

// errSecond says why a connection is closed: there is a sender already.
var errSecond = errors.New("gb28181: another sender is at work")

// connection is a sender by TCP.
type connection struct {
	endpoint *endpoint
	conn     net.Conn
	from     origin
	over     atomic.Bool
	sources  map[*source]struct{} // which it feeds
	admitted bool                 // it has fed one
}

func (e *endpoint) accept(conn net.Conn) *connection {
	c := &connection{endpoint: e, conn: conn}
	c.from = origin{remote: acceptor.Address(conn.RemoteAddr()), local: acceptor.Address(conn.LocalAddr()), conn: c}
	_ = conn.SetReadDeadline(time.Now().Add(e.server.config().Timeout))
	return c
}

// Listens implements [acceptor.Session].
func (c *connection) Listens() bool { return true }

// Plays implements [acceptor.Session].
func (c *connection) Plays() bool { return false }

// Abort implements [acceptor.Session].
func (c *connection) Abort() { c.conn.Close() }

// closed reports whether nothing more comes of it.
func (c *connection) closed() bool { return c.over.Load() }

func (c *connection) logger() *slog.Logger {
	return c.endpoint.server.log.With("proto", "rtp", "port", c.endpoint.port, "from", c.from.remote.String())
}

// Serve implements [acceptor.Session].
func (c *connection) Serve() {
	defer c.endpoint.acceptor.Forget(c)
	c.serve()
}

func (c *connection) serve() {
	defer c.conn.Close()
	c.sources = map[*source]struct{}{}
	err := acceptor.Guard(c.read)
	c.over.Store(true)
	for x := range c.sources {
		x.left(c.from)
	}
	c.endpoint.server.ends.Log(c.logger(), acceptor.End{Err: err, Quiet: acceptor.Closed(err), Admitted: c.admitted})
}

// patient reads from a connection that feeds a stream, however long that is silent, which is the port's to end. One that feeds none by its
// deadline ends: who has not begun, who was refused, and whose stream is over, or another's by now.
type patient struct{ *connection }

func (p patient) Read(b []byte) (int, error) {
	for {
		n, err := p.conn.Read(b)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !p.feeds() {
			return n, err
		}
		if err := p.conn.SetReadDeadline(time.Now().Add(p.endpoint.server.config().Timeout)); err != nil {
			return 0, err
		}
	}
}

// feeds reports whether a stream is alive that comes by the connection. Those that are not are forgotten.
func (c *connection) feeds() bool {
	for x := range c.sources {
		if from, ok := x.sender(); !ok || from != c.from {
			delete(c.sources, x)
		}
	}
	return len(c.sources) > 0
}

// ended reports whether a stream has ended that the connection has fed: it is not to come back by itself.
func (c *connection) ended() bool {
	for x := range c.sources {
		if x.isOver() {
			return true
		}
	}
	return false
}

// read takes packets until the connection ends.
func (c *connection) read() error {
	r := framing.NewReader(patient{c}, maxPacket)
	for {
		b, lost, err := r.Next()
		if err != nil {
			return err
		}
		now := time.Now()
		x, taken, _ := c.endpoint.take(b, c.from, now)
		if !taken {
			if framing.IsRTCP(b) {
				continue
			}
			if c.ended() {
				return net.ErrClosed
			}
			if len(c.sources) == 0 && c.endpoint.busy(ssrcOf(b)) {
				return errSecond
			}
			continue
		}
		if lost {
			x.torn(c.from)
		}
		if begun := x.await(); !begun {
			continue
		}
		c.sources[x], c.admitted = struct{}{}, true
	}
}
