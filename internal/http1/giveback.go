package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
)

// GiveBack gives a connection back to the http.Server that it was taken from, with what has been read from it. The server
// answers from there on, or closes it.
func GiveBack(s *http.Server, conn net.Conn, read []byte) {
	l := &once{conn: conn}
	if len(read) > 0 {
		l.conn = &Returned{conn, read}
	}
	if err := s.Serve(l); errors.Is(err, http.ErrServerClosed) && l.conn != nil {
		l.conn.Close()
	}
}

// once is a listener with one connection.
type once struct{ conn net.Conn }

// errOnce ends the http.Server's loop; its connection stays.
var errOnce = errors.New("http1: there was one connection to give back")

// Accept implements [net.Listener].
func (l *once) Accept() (conn net.Conn, err error) {
	if conn, l.conn = l.conn, nil; conn == nil {
		return nil, errOnce
	}
	return conn, nil
}

// Close implements [net.Listener].
func (l *once) Close() error { return nil }

// Addr implements [net.Listener].
func (l *once) Addr() net.Addr {
	if l.conn == nil {
		return &net.TCPAddr{}
	}
	return l.conn.LocalAddr()
}

// Returned is a connection from which something had been read when it was given back.
type Returned struct {
	net.Conn
	read []byte
}

var _ io.Reader = (*Returned)(nil)

// Read implements [net.Conn].
func (c *Returned) Read(b []byte) (int, error) {
	if len(c.read) > 0 {
		n := copy(b, c.read)
		if c.read = c.read[n:]; len(c.read) == 0 {
			c.read = nil
		}
		return n, nil
	}
	return c.Conn.Read(b)
}

// Taken returns the connection in one that had been given back and was taken over once more, when all was read of what had been
// given back; any other comes back as it is.
func Taken(conn net.Conn) net.Conn {
	if c, ok := conn.(*Returned); ok && len(c.read) == 0 {
		return c.Conn
	}
	return conn
}
