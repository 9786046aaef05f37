package acceptor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime/debug"
	"time"
)

// How long, and for how many bytes, a session stays after its last word, so that the peer can take it: a
// connection closed with bytes unread is reset, and the peer may lose what it has not read yet.
const (
	lingerTime  = time.Second
	lingerBytes = 256 << 10
)

// Address is that of a TCP peer, an IPv4 one as such; the zero value if a is none.
func Address(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}

// Peer names the peer of a connection, which need not have an address, in the log.
func Peer(conn net.Conn) string { return fmt.Sprint(conn.RemoteAddr()) }

// PanicError is a panic of a session.
type PanicError struct {
	Value any
	Stack []byte
}

// Error implements error.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Guard turns a panic of fn into an error, so that it ends one session only.
func Guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &PanicError{r, debug.Stack()}
		}
	}()
	return fn()
}

// HangUp says that nothing more will be sent, and gives the peer a moment to take what was and to close. It
// reports whether the connection can do that; who reads it sees the end, or the deadline.
func HangUp(conn net.Conn) bool {
	c, ok := conn.(interface{ CloseWrite() error })
	return ok && c.CloseWrite() == nil && conn.SetReadDeadline(time.Now().Add(lingerTime)) == nil
}

// Linger hangs up and reads until the peer has closed, or the moment is over.
func Linger(conn net.Conn) {
	if HangUp(conn) {
		_, _ = io.CopyN(io.Discard, conn, lingerBytes)
	}
}

// Closed reports whether err says no more than that one of the two has closed.
func Closed(err error) bool {
	for _, usual := range []error{io.EOF, net.ErrClosed, context.Canceled} {
		if errors.Is(err, usual) {
			return true
		}
	}
	return err == nil
}
