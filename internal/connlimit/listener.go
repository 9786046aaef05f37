package connlimit

import "net"

// Listen returns a listener whose connections l counts, and which closes those that are too many. A listener that is of l
// already comes back as it is.
func (l *Limiter) Listen(ln net.Listener) net.Listener {
	if same, ok := ln.(*listener); ok && same.limiter == l {
		return ln
	}
	return &listener{ln, l}
}

type listener struct {
	net.Listener
	limiter *Limiter
}

// Accept implements [net.Listener].
func (ln *listener) Accept() (net.Conn, error) {
	for {
		c, err := ln.Listener.Accept()
		if err != nil {
			return nil, err
		}
		s, ok := ln.limiter.enter(c)
		if !ok {
			c.Close()
			continue
		}
		if tcp, ok := c.(*net.TCPConn); ok {
			return &tcpConn{tcp, s}, nil
		}
		return &otherConn{c, s}, nil
	}
}

// tcpConn is a connection that is counted, and can do whatever one of TCP can.
type tcpConn struct {
	*net.TCPConn
	seat *seat
}

// Close implements [net.Conn].
func (c *tcpConn) Close() error {
	defer c.seat.leave()
	return c.TCPConn.Close()
}

// otherConn is a connection that is counted.
type otherConn struct {
	net.Conn
	seat *seat
}

// Close implements [net.Conn].
func (c *otherConn) Close() error {
	defer c.seat.leave()
	return c.Conn.Close()
}

// Socket returns the connection itself, for whoever wants to count nothing. It is not to be closed.
func (c *tcpConn) Socket() net.Conn { return c.TCPConn }

// Socket is that of tcpConn.
func (c *otherConn) Socket() net.Conn { return c.Conn }

// Socket returns the connection in one that is wrapped, be it for counting or otherwise, for whoever wants to read or write
// without detours; any other comes back as it is. Only the wrapped one is to be closed.
func Socket(c net.Conn) net.Conn {
	for {
		wrapped, ok := c.(interface{ Socket() net.Conn })
		if !ok {
			return c
		}
		c = wrapped.Socket()
	}
}
