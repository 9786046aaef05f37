package web

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// writerConn is a ResponseWriter in the shape of a connection, so that the fan-out engine feeds it as it does others: with
// a limit for clients that do not read, and skips for slow ones.
type writerConn struct {
	w             http.ResponseWriter
	control       *http.ResponseController
	local, remote net.Addr

	mu       sync.Mutex
	deadline time.Time
	finished bool
}

var _ net.Conn = (*writerConn)(nil)

func newWriterConn(w http.ResponseWriter, r *http.Request) *writerConn {
	c := &writerConn{w: w, control: http.NewResponseController(w), remote: stringAddr(r.RemoteAddr)}
	c.local, _ = r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	return c
}

type stringAddr string

func (a stringAddr) Network() string { return "http" }
func (a stringAddr) String() string  { return string(a) }

// Write implements [net.Conn]. The deadline holds only while something is written: by HTTP/2 one that passes ends the
// reply, whether or not anything waits.
func (c *writerConn) Write(b []byte) (n int, err error) {
	if err := c.arm(); err != nil {
		return 0, err
	}
	if n, err = c.w.Write(b); err == nil {
		err = c.control.Flush()
	}
	return n, c.disarm(err)
}

func (c *writerConn) arm() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.finished:
		return net.ErrClosed
	case c.passed():
		return os.ErrDeadlineExceeded
	case !c.deadline.IsZero():
		_ = c.control.SetWriteDeadline(c.deadline) // not every server can do that
	}
	return nil
}

// disarm ends what arm began. An error behind the deadline is one of the deadline, whatever the server calls it.
func (c *writerConn) disarm(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.passed() {
		if err != nil {
			err = errors.Join(os.ErrDeadlineExceeded, err)
		}
		return err
	}
	if !c.deadline.IsZero() {
		_ = c.control.SetWriteDeadline(time.Time{})
	}
	return err
}

func (c *writerConn) passed() bool { return !c.deadline.IsZero() && !time.Now().Before(c.deadline) }

// SetWriteDeadline implements [net.Conn]. One that has passed ends a write that is under way.
func (c *writerConn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = t
	if c.passed() && !c.finished {
		_ = c.control.SetWriteDeadline(t)
	}
	return nil
}

// finish says that all is written: what comes after does not touch the reply.
func (c *writerConn) finish() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.finished = true
}

// SetDeadline implements [net.Conn].
func (c *writerConn) SetDeadline(t time.Time) error { return c.SetWriteDeadline(t) }

// SetReadDeadline implements [net.Conn].
func (c *writerConn) SetReadDeadline(time.Time) error { return nil }

// Read implements [net.Conn]: a client has nothing to say.
func (c *writerConn) Read([]byte) (int, error) { return 0, io.EOF }

// Close implements [net.Conn].
func (c *writerConn) Close() error {
	c.finish()
	return nil
}

// LocalAddr implements [net.Conn].
func (c *writerConn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements [net.Conn].
func (c *writerConn) RemoteAddr() net.Addr { return c.remote }
