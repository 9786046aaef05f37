package media

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// Session is an entry of the session list: a connected peer, or whoever publishes or plays in process. Its
// methods may be called from any goroutine.
type Session struct {
	server *Server
	info   hook.Session
	kick   func(cause error)
	begun  time.Time

	received, sent, skipped, lost atomic.Uint64
	player                        atomic.Pointer[Player]
	publisher                     atomic.Pointer[Publisher]

	mu    sync.Mutex    // guards what follows
	done  chan struct{} // made for the first who asks: most sessions nobody waits for
	ended bool
	cause error
	waits map[*context.CancelCauseFunc]struct{} // of Publish and Play under way; nil while there are none
}

// NewSession enters a peer in the session list. An info.ID that is empty or taken is replaced by a unique one. kick is called
// once, on the goroutine of whoever kicks, and must make the owner of the session end, usually by closing its
// connection; it may be nil, for an owner that watches Done. The owner calls Close.
func (s *Server) NewSession(info hook.Session, kick func(cause error)) *Session {
	x := &Session{server: s, info: info, kick: kick, begun: time.Now()}
	s.mu.Lock()
	for info.ID == "" || s.sessions.Get(info.ID) != nil {
		info.ID = fmt.Sprintf("%d-%d", s.lastSession.Add(1), info.Remote.Port())
	}
	x.info.ID = info.ID
	s.sessions.Set(info.ID, x)
	closing := s.closing
	s.mu.Unlock()
	if closing {
		x.Kick(ErrServerClosed)
	}
	return x
}

// Info describes the peer.
func (x *Session) Info() hook.Session { return x.info }

// Begun is when the session was entered.
func (x *Session) Begun() time.Time { return x.begun }

// Received counts n bytes that came from the peer.
func (x *Session) Received(n int) { x.received.Add(uint64(n)) }

// Sent counts n bytes that went to the peer. What a [Feed] sends is counted already.
func (x *Session) Sent(n int) { x.sent.Add(uint64(n)) }

// Bytes returns how many bytes came from the peer and went to it.
func (x *Session) Bytes() (received, sent uint64) { return x.received.Load(), x.sent.Load() }

// Skipped returns how many packets were passed over because the peer reads too slowly.
func (x *Session) Skipped() uint64 { return x.skipped.Load() }

// SetLost notes how many packets in all were lost on the way from the peer or to it, as far as the protocol tells.
func (x *Session) SetLost(packets uint64) { x.lost.Store(packets) }

// Lost returns what SetLost noted last.
func (x *Session) Lost() uint64 { return x.lost.Load() }

// Player returns what the session plays; nil if it plays nothing.
func (x *Session) Player() *Player { return x.player.Load() }

// Publisher returns what the session publishes; nil if it publishes nothing.
func (x *Session) Publisher() *Publisher { return x.publisher.Load() }

// Done is closed when the session was kicked or closed.
func (x *Session) Done() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.done == nil {
		x.done = make(chan struct{})
		if x.ended {
			close(x.done)
		}
	}
	return x.done
}

// Err returns why the session was kicked: nil while it runs and after a Close of its owner.
func (x *Session) Err() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.cause
}

// Kick ends the session: its owner is told with the cause. A publisher that is kicked gets no grace.
func (x *Session) Kick(cause error) {
	if !x.end(cause) {
		return
	}
	if x.kick != nil {
		x.kick(cause)
	}
	if p := x.player.Load(); p != nil {
		p.endReaders()
	}
}

// end reports whether it is the first.
func (x *Session) end(cause error) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		return false
	}
	x.ended, x.cause = true, cause
	if x.done != nil {
		close(x.done)
	}
	for cancel := range x.waits {
		(*cancel)(x.overLocked())
	}
	return true
}

// over returns why the session has ended: the cause of the kick, or context.Canceled after Close; nil while it runs.
func (x *Session) over() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.overLocked()
}

func (x *Session) overLocked() error {
	switch {
	case !x.ended:
		return nil
	case x.cause == nil:
		return context.Canceled
	}
	return x.cause
}

// while returns a ctx that also ends with the session or the server. release must be called.
func (x *Session) while(ctx context.Context) (_ context.Context, release func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(x.server.decision, func() { cancel(ErrServerClosed) })
	x.mu.Lock()
	if err := x.overLocked(); err != nil {
		cancel(err)
	}
	if x.waits == nil {
		x.waits = map[*context.CancelCauseFunc]struct{}{}
	}
	x.waits[&cancel] = struct{}{}
	x.mu.Unlock()
	return ctx, func() {
		stop()
		cancel(nil)
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.waits, &cancel)
		if len(x.waits) == 0 {
			x.waits = nil
		}
	}
}

// Close takes the session off the list. It may be called more than once.
func (x *Session) Close() {
	x.end(nil)
	s := x.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.sessions.Get(x.info.ID) == x {
		s.sessions.Delete(x.info.ID)
		s.past.add(x)
	}
}

// event returns the session as hooks see it, for a request with the given schema and query.
func (x *Session) event(schema, params string) hook.Session {
	info := x.info
	if schema != "" {
		info.Schema = schema
	}
	if params != "" {
		info.Params = params
	}
	return info
}
