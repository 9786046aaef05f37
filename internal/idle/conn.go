package idle

import (
	"net"
	"sync"
	"time"
)

// Conn is a TCP connection that can be waited for without a goroutine. Its deadline and Close end that as they end a read.
type Conn struct {
	net.Conn
	tcp     *net.TCPConn // in it
	watcher *Watcher

	mu      sync.Mutex
	number  uint64  // the watcher's, once it has waited
	sleeper Sleeper // who waits
	closed  bool
	until   time.Time   // the read deadline
	timer   *time.Timer // of who waits with a deadline
}

// Socket returns the TCP connection, for whoever wants to read or write without detours. It is not to be closed, and its
// deadlines are not to be set.
func (c *Conn) Socket() net.Conn { return c.tcp }

// CloseWrite says that nothing more will be written.
func (c *Conn) CloseWrite() error { return c.tcp.CloseWrite() }

// Await calls s.Wake when there is something to read, as [Watcher.Await] does.
func (c *Conn) Await(s Sleeper) { c.watcher.Await(c, s) }

// Close implements [net.Conn].
func (c *Conn) Close() error {
	c.mu.Lock()
	c.closed = true
	s, number := c.take(), c.number
	c.mu.Unlock()
	if number != 0 {
		c.watcher.forget(number)
	}
	err := c.Conn.Close()
	if s != nil {
		c.watcher.wake(s)
	}
	return err
}

// SetDeadline implements [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	err := c.Conn.SetDeadline(t)
	c.setUntil(t)
	return err
}

// SetReadDeadline implements [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error {
	err := c.Conn.SetReadDeadline(t)
	c.setUntil(t)
	return err
}

func (c *Conn) setUntil(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = t
	if c.sleeper != nil {
		c.setTimer()
	}
}

// setTimer sets the timer for the deadline, if there is one. c.mu is held.
func (c *Conn) setTimer() {
	if c.timer != nil {
		c.timer.Stop() // if it is too late for that, its sleeper is woken for nothing
		c.timer = nil
	}
	if !c.until.IsZero() {
		c.timer = time.AfterFunc(time.Until(c.until), c.wake)
	}
}

// await makes s the one who waits. It returns false if that cannot be done for want of means.
func (c *Conn) await(s Sleeper) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed || !c.watcher.add(c) {
		return false
	}
	c.sleeper = s
	c.setTimer()
	return true
}

// wake wakes who waits, if there is somebody.
func (c *Conn) wake() {
	c.mu.Lock()
	s := c.take()
	c.mu.Unlock()
	if s != nil {
		c.watcher.wake(s)
	}
}

// take returns who waits, for whom that ends. c.mu is held.
func (c *Conn) take() Sleeper {
	s := c.sleeper
	c.sleeper = nil
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	return s
}
