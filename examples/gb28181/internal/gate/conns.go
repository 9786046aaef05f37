package gate

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// Limits of TCP connections.
const (
	maxConns           = 2048
	maxConnsPerAddress = 256
	// maxStrangerBytes is what is read of a connection before its device has registered.
	maxStrangerBytes = 16 << 10
	// strangerTimeout is how long that may take.
	strangerTimeout = 20 * time.Second
	writeTimeout    = 10 * time.Second
	// perRequest is how many bytes of a connection count as one request.
	perRequest = 1 << 10
)

var errStranger = errors.New("gate: who is it?")

// Listen returns a listener that accepts no more connections than there may be. A connection that is silent for as long as idle
// is closed, and one whose device does not register within some seconds.
func (g *Gate) Listen(ln net.Listener, idle time.Duration) net.Listener {
	return &listener{Listener: ln, gate: g, idle: idle, of: map[netip.Addr]int{}}
}

type listener struct {
	net.Listener
	gate *Gate
	idle time.Duration

	mu   sync.Mutex
	open int
	of   map[netip.Addr]int // how many an address has
}

// Accept implements [net.Listener].
func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addrPort(c.RemoteAddr())
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if l.enter(from.Addr()) {
			return l.conn(c, from), nil
		}
		c.Close()
	}
}

func (l *listener) conn(c net.Conn, from netip.AddrPort) *conn {
	x := &conn{
		Conn: c, gate: l.gate, idle: l.idle, from: from, deadline: time.Now().Add(strangerTimeout), closed: make(chan struct{}),
	}
	x.leave = sync.OnceFunc(func() {
		close(x.closed)
		l.leave(from.Addr())
	})
	return x
}

func (l *listener) enter(addr netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open >= maxConns || l.of[addr] >= maxConnsPerAddress {
		return false
	}
	l.open++
	l.of[addr]++
	return true
}

func (l *listener) leave(addr netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if l.of[addr]--; l.of[addr] == 0 {
		delete(l.of, addr)
	}
}

// conn is a connection as the stack reads it.
type conn struct {
	net.Conn
	gate     *Gate
	idle     time.Duration
	from     netip.AddrPort
	deadline time.Time // for the device to register
	read     int       // bytes, before it has
	closed   chan struct{}
	leave    func()
}

// Read implements [net.Conn].
func (c *conn) Read(b []byte) (int, error) {
	known := c.gate.known(c.from)
	deadline := time.Now().Add(c.idle)
	if !known {
		if c.read >= maxStrangerBytes {
			return 0, errStranger
		}
		deadline = c.deadline
		b = b[:min(len(b), maxStrangerBytes-c.read)]
	}
	if err := c.SetReadDeadline(deadline); err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if !known {
		c.read += n
	}
	for range n/perRequest + 1 {
		if err == nil {
			err = c.wait()
		}
	}
	return n, err
}

// wait waits until the address may send one more request.
func (c *conn) wait() error {
	for !c.gate.admit(c.from, 0) {
		select {
		case <-time.After(time.Second / rate):
		case <-c.closed:
			return net.ErrClosed
		}
	}
	return nil
}

// Write implements [net.Conn].
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.leave()
	return c.Conn.Close()
}
