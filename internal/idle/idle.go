// Package idle waits for many connections on which little comes, without a goroutine for each: what one of those takes, its
// stack above all, is more than all the rest that is kept for a player.
//
// Where the system has no way to do that, and for connections that are no plain TCP, nothing is different from a goroutine
// that waits.
package idle

import (
	"net"
	"sync"

	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/tally"
)

// Sleeper waits for a connection.
type Sleeper interface {
	// Wake is called on a goroutine of its own when there is something to read, which may be the end or a deadline that
	// has passed. It may also find nothing: then it reads, and so waits, itself.
	Wake()
}

// Watcher waits for the connections that it has made. Its methods may be called from any goroutine.
type Watcher struct {
	running *tally.Tally

	mu     sync.Mutex
	poll   *poll // nil until there is something to wait for
	closed bool
	conns  elastic.Map[uint64, *Conn] // those of poll
	last   uint64                     // the number of the newest of them
}

// NewWatcher returns a watcher. Who waits by it counts in running until Wake has returned.
func NewWatcher(running *tally.Tally) *Watcher { return &Watcher{running: running} }

// Conn returns a connection for which the watcher can wait; one that is no plain TCP comes back as it is. Only the one that
// is returned is to be used from then on, to be closed above all.
func (w *Watcher) Conn(c net.Conn) net.Conn {
	tcp, ok := connlimit.Socket(c).(*net.TCPConn)
	if !ok || !canPoll {
		return c
	}
	return &Conn{Conn: c, tcp: tcp, watcher: w}
}

// Await calls s.Wake when there is something to read from c, which nobody else may read meanwhile. What its user has read
// ahead it does not know of.
func (w *Watcher) Await(c net.Conn, s Sleeper) {
	w.running.Add()
	if conn, ok := c.(*Conn); !ok || !conn.await(s) {
		w.wake(s)
	}
}

// wake ends what Await began.
func (w *Watcher) wake(s Sleeper) {
	go func() {
		defer w.running.Done()
		s.Wake()
	}()
}

// Close lets go of what the watcher has from the system. It is for when nobody waits any more; who does from then on has a
// goroutine.
func (w *Watcher) Close() {
	w.mu.Lock()
	poll := w.poll
	w.closed, w.poll, w.conns = true, nil, elastic.Map[uint64, *Conn]{}
	w.mu.Unlock()
	if poll != nil {
		poll.close()
	}
}

// add makes the watcher wait for c, once. c.mu is held.
func (w *Watcher) add(c *Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.poll == nil && !w.open() {
		return false
	}
	if c.number != 0 {
		return w.poll.again(c.tcp, c.number) == nil
	}
	w.last++
	if w.poll.add(c.tcp, w.last) != nil {
		return false
	}
	c.number = w.last
	w.conns.Set(c.number, c)
	return true
}

func (w *Watcher) open() bool {
	poll, err := newPoll(w.ready)
	if err != nil {
		return false
	}
	w.poll = poll
	return true
}

// ready wakes who waits for a connection.
func (w *Watcher) ready(number uint64) {
	w.mu.Lock()
	c := w.conns.Get(number)
	w.mu.Unlock()
	if c != nil {
		c.wake()
	}
}

// forget takes a connection off the list: it has been closed, and with that the system has forgotten it. With the last one
// the goroutine ends.
func (w *Watcher) forget(number uint64) {
	w.mu.Lock()
	w.conns.Delete(number)
	var poll *poll
	if w.conns.Len() == 0 {
		poll, w.poll = w.poll, nil
	}
	w.mu.Unlock()
	if poll != nil {
		poll.close()
	}
}
