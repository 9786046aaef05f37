// Package acceptor accepts connections and keeps the sessions that are made of them, for servers that end like
// those of net/http.
package acceptor

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/idle"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/internal/throttle"
)

// Session is made of a connection.
type Session interface {
	comparable
	// Serve runs on a goroutine of its own. When the session is over, it calls Forget.
	Serve()
	// Listens reports whether the peer speaks first. Then Serve begins when it has, or at the read deadline of the
	// connection, which the session has set by then: a peer that is silent takes no goroutine.
	Listens() bool
	// Abort makes the session end soon. It may be called at any time, from any goroutine.
	Abort()
	// Plays reports whether the session may go on while a shutdown lets players get the rest.
	Plays() bool
}

// Acceptor accepts connections. Its methods may be called from any goroutine.
type Acceptor[S Session] struct {
	name   string
	closed error
	log    *slog.Logger
	limit  func(net.Listener) net.Listener
	make   func(net.Conn) S

	failing throttle.Throttle // of the log line of Accept
	running tally.Tally       // goroutines of sessions, and sessions that wait without one
	idle    *idle.Watcher
	ending  chan struct{} // closed when closing begins

	mu        sync.Mutex
	closing   bool
	listeners []net.Listener // in the order in which they came
	sessions  elastic.Map[S, struct{}]
}

// New returns an acceptor. name is that of the protocol, for logs and errors; closed is what Serve returns
// once Shutdown or Close has begun; limit bounds the connections of a listener; session makes a session of a
// connection.
func New[S Session](
	name string, closed error, log *slog.Logger, limit func(net.Listener) net.Listener, session func(net.Conn) S,
) *Acceptor[S] {
	a := &Acceptor[S]{
		name: name, closed: closed, log: log, limit: limit, make: session,
		ending: make(chan struct{}),
	}
	a.idle = idle.NewWatcher(&a.running)
	return a
}

// ListenAndServe listens on a TCP address, says which in the log, and serves it.
func (a *Acceptor[S]) ListenAndServe(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	a.log.Info("listening", "proto", a.name, "addr", ln.Addr().String())
	return a.Serve(ln)
}

// Serve accepts connections until the listener has failed for good or the acceptor is closed, and closes the listener.
// The error is never nil.
func (a *Acceptor[S]) Serve(ln net.Listener) error {
	defer ln.Close()
	if !a.addListener(ln) {
		return a.closed
	}
	defer a.dropListener(ln)
	limited := a.limit(ln)
	for pause := time.Duration(0); ; {
		conn, err := limited.Accept()
		if err == nil {
			pause = 0
			a.start(conn)
			continue
		}
		if a.Closing() {
			return a.closed
		}
		if !passes(err) {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), longestPause)
		if n, ok := a.failing.Ready(); ok {
			a.log.Warn("accept failed, trying again", "proto", a.name, "err", err, "in", pause, "number", n)
		}
		a.wait(pause)
	}
}

// wait waits for a time, or until closing begins.
func (a *Acceptor[S]) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-a.ending:
	}
}

// Addr is where the first of the listeners that are served listens; nil if there is none.
func (a *Acceptor[S]) Addr() net.Addr {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing || len(a.listeners) == 0 {
		return nil
	}
	return a.listeners[0].Addr()
}

func (a *Acceptor[S]) addListener(ln net.Listener) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return false
	}
	a.listeners = append(a.listeners, ln)
	return true
}

func (a *Acceptor[S]) dropListener(ln net.Listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.listeners = slices.DeleteFunc(a.listeners, func(other net.Listener) bool { return other == ln })
}

// Closing reports whether Shutdown or Close has begun.
func (a *Acceptor[S]) Closing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closing
}

// start makes a session of a connection.
func (a *Acceptor[S]) start(conn net.Conn) {
	conn = a.idle.Conn(conn)
	x := a.make(conn)
	if !a.add(x) {
		x.Abort()
		x.Serve() // it has come too late and ends at once
		return
	}
	defer a.running.Done()
	if x.Listens() {
		a.idle.Await(conn, beginner[S]{x})
		return
	}
	a.running.Go(x.Serve)
}

// beginner is a session that has not begun.
type beginner[S Session] struct{ session S }

// Wake implements [idle.Sleeper].
func (b beginner[S]) Wake() { b.session.Serve() }

func (a *Acceptor[S]) add(x S) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return false
	}
	a.sessions.Set(x, struct{}{})
	a.running.Add() // so that a Close which comes now waits
	return true
}

// Go runs fn on a goroutine that Shutdown and Close wait for.
func (a *Acceptor[S]) Go(fn func()) { a.running.Go(fn) }

// Await calls s.Wake when there is something to read from the connection of a session, which nobody else may read
// meanwhile. Shutdown and Close wait for that, too.
func (a *Acceptor[S]) Await(conn net.Conn, s idle.Sleeper) { a.idle.Await(conn, s) }

// Forget takes a session off the list.
func (a *Acceptor[S]) Forget(x S) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sessions.Delete(x)
}

// Shutdown stops listening, ends whoever does not play and waits until the players have got the rest of
// their streams, or ctx ends; then it ends them and returns ctx.Err().
func (a *Acceptor[S]) Shutdown(ctx context.Context) error {
	for _, x := range a.stop() {
		if !x.Plays() {
			x.Abort()
		}
	}
	ended := make(chan struct{})
	go func() {
		a.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		a.idle.Close()
		return nil
	case <-ctx.Done():
		_ = a.Close()
		return ctx.Err()
	}
}

// Close closes the listeners, ends all sessions, and waits for them.
func (a *Acceptor[S]) Close() error {
	for _, x := range a.stop() {
		x.Abort()
	}
	a.running.Wait()
	a.idle.Close()
	return nil
}

// stop closes the listeners and returns the sessions there are.
func (a *Acceptor[S]) stop() []S {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.closing {
		a.closing = true
		close(a.ending)
	}
	for _, ln := range a.listeners {
		ln.Close()
	}
	var list []S
	for x := range a.sessions.All() {
		list = append(list, x)
	}
	return list
}
