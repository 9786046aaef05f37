// Package acceptor accepts connections and keeps the sessions that are made of them, for servers that end like
// those of net/http.
package acceptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/tally"
)

// Session is made of a connection.
type Session interface {
	comparable
	// Serve runs on a goroutine of its own. When the session is over, it calls Forget.
	Serve()
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
	make   func(net.Conn) S

	running tally.Tally // goroutines of sessions

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]struct{}
	sessions  map[S]struct{}
}

// New returns an acceptor. name is that of the protocol, for logs and errors; closed is what Serve returns
// once Shutdown or Close has begun; session makes a session of a connection.
func New[S Session](name string, closed error, log *slog.Logger, session func(net.Conn) S) *Acceptor[S] {
	return &Acceptor[S]{
		name: name, closed: closed, log: log, make: session,
		listeners: map[net.Listener]struct{}{}, sessions: map[S]struct{}{},
	}
}

// ListenAndServe listens on a TCP address and serves it.
func (a *Acceptor[S]) ListenAndServe(addr string) error {
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", a.name, err)
	}
	return a.Serve(ln)
}

// Serve accepts connections until the listener fails or the acceptor is closed, and closes the listener. The
// error is never nil.
func (a *Acceptor[S]) Serve(ln net.Listener) error {
	defer ln.Close()
	if !a.addListener(ln) {
		return a.closed
	}
	defer a.dropListener(ln)
	for pause := time.Duration(0); ; {
		conn, err := ln.Accept()
		if err == nil {
			pause = 0
			a.start(conn)
			continue
		}
		if a.isClosing() {
			return a.closed
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		a.log.Warn("accept failed, trying again", "proto", a.name, "err", err, "in", pause)
		time.Sleep(pause)
	}
}

func (a *Acceptor[S]) addListener(ln net.Listener) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return false
	}
	a.listeners[ln] = struct{}{}
	return true
}

func (a *Acceptor[S]) dropListener(ln net.Listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.listeners, ln)
}

func (a *Acceptor[S]) isClosing() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.closing
}

// start serves a connection on a goroutine of its own.
func (a *Acceptor[S]) start(conn net.Conn) {
	x := a.make(conn)
	if !a.add(x) {
		x.Abort()
		x.Serve() // it has come too late and ends at once
		return
	}
	go func() {
		defer a.running.Done()
		x.Serve()
	}()
}

func (a *Acceptor[S]) add(x S) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closing {
		return false
	}
	a.sessions[x] = struct{}{}
	a.running.Add() // so that a Close which comes now waits
	return true
}

// Go runs fn on a goroutine that Shutdown and Close wait for.
func (a *Acceptor[S]) Go(fn func()) { a.running.Go(fn) }

// Forget takes a session off the list.
func (a *Acceptor[S]) Forget(x S) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.sessions, x)
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
	return nil
}

// stop closes the listeners and returns the sessions there are.
func (a *Acceptor[S]) stop() []S {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closing = true
	for ln := range a.listeners {
		ln.Close()
	}
	var list []S
	for x := range a.sessions {
		list = append(list, x)
	}
	return list
}
