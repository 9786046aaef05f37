package gb28181

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/framing"
)

// maxPacket bounds a packet on a connection, in bytes: what claims to be longer is none.
const maxPacket = 10 << 10

// ended reports whether a stream has ended that the connection has fed: it is not to come back by itself.
func (c *connection) ended() bool {
	for x := range c.sources {
		if x.isOver() {
			return true
		}
	}
	return false
}

// errSecond says why a connection is closed: there is a sender already.
var errSecond = errors.New("gb28181: another sender is at work")

// connection is a sender by TCP.
type connection struct {
	endpoint *endpoint
	conn     net.Conn
	from     origin
	over     atomic.Bool
	sources  map[*source]struct{} // which it feeds

	writing sync.Mutex // of those that talk back
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
	c.endpoint.server.ends.Log(c.logger(), acceptor.End{Err: err, Quiet: acceptor.Closed(err), Admitted: len(c.sources) > 0})
}

// read takes packets until the connection ends. Before something could be made of one the peer has one deadline for all.
func (c *connection) read() error {
	r := framing.NewReader(c.conn, maxPacket)
	admitted := false
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
		c.sources[x] = struct{}{}
		if !admitted { // from now on silence is the port's to end
			admitted = true
			if err := c.conn.SetReadDeadline(time.Time{}); err != nil {
				return err
			}
		}
	}
}
