package media

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// PlayRequest asks to play a stream.
type PlayRequest struct {
	// Stream names it. An empty VHost means hook.DefaultVHost.
	Stream StreamKey
	// Session is the player's entry in the session list. Nil makes one that ends with the player.
	Session *Session
	// Schema is the kind of source that is read: rtmp, rtsp, ts, fmp4 ….
	Schema string
	// Params is the raw query of the player's URL, 8 KiB at most.
	Params string
	// Authorized skips OnPlay, for a protocol that has asked another hook already.
	Authorized bool
	// NoWait returns ErrStreamNotFound at once for a stream that is not live: nobody is asked for it.
	NoWait bool
}

// Play asks the hooks and waits for the stream, if it is not there, as long as Config.PlayWait says. It
// returns a *hook.DenyError or another error of a hook, ErrStreamNotFound, ErrBadName, ErrServerClosed, the cause if
// its session was kicked, or what ended ctx.
func (s *Server) Play(ctx context.Context, r PlayRequest) (*Player, error) {
	key, err := checkKey(r.Stream)
	if err == nil {
		err = checkParams(r.Params, r.Session)
	}
	if err != nil {
		return nil, err
	}
	p := &Player{server: s, session: r.Session, request: r, begun: time.Now()}
	if p.session == nil {
		p.session = s.NewSession(hook.Session{Schema: r.Schema, Protocol: r.Schema, Params: r.Params}, p.kicked)
		p.ownSession = true
	}
	p.sent, p.skipped = p.session.sent.Load(), p.session.skipped.Load()
	p.request.Stream = key
	ctx, release := p.session.while(ctx)
	defer release()
	if err = s.admit(ctx, p); err != nil {
		p.closeSession()
		return nil, err
	}
	if err = p.begin(); err != nil {
		return nil, err
	}
	return p, nil
}

// begin lets a kick close a player that has joined its stream. A session that ended before could not: then begin does.
func (p *Player) begin() error {
	p.joined.Store(true)
	err := p.session.over()
	if err != nil {
		p.Close(err)
	}
	return err
}

// kicked closes a player that has its session to itself.
func (p *Player) kicked(cause error) {
	if p.joined.Load() {
		p.Close(cause)
	}
}

// admit asks the hooks about a player and gives it its stream.
func (s *Server) admit(ctx context.Context, p *Player) error {
	ev := &hook.PlayEvent{Stream: p.request.Stream, Session: p.session.event(p.request.Schema, p.request.Params)}
	if !p.request.Authorized {
		if err := s.askPlay(ctx, ev); err != nil {
			return err
		}
	}
	if joined, err := s.join(p); joined || err != nil {
		return err
	}
	if p.request.NoWait {
		return ErrStreamNotFound
	}
	opened, err := s.openSource(ctx, p)
	if err != nil || p.stream != nil {
		return err
	}
	return s.awaitStream(ctx, p, ev, opened)
}

func (s *Server) askPlay(ctx context.Context, ev *hook.PlayEvent) error {
	for _, h := range s.hooks.play {
		_, err := ask(ctx, s.asker, "play", func(ctx context.Context) (struct{}, error) {
			return struct{}{}, h.OnPlay(ctx, ev)
		})
		if err != nil && !errors.Is(err, hook.ErrNotHandled) {
			return refused(ctx, "play", err)
		}
	}
	return nil
}

// join gives p its stream, if it is there and served in the schema asked for. It fails if the stream is there and will
// not be: the schema can carry nothing of it.
func (s *Server) join(p *Player) (joined bool, err error) {
	st, ok := s.Stream(p.request.Stream)
	if !ok || !serves(&st.options, p.request.Schema) {
		return false, nil
	}
	s.mu.Lock()
	carried := s.carried(st, p.request.Schema)
	s.mu.Unlock()
	if !carried {
		return false, ErrStreamNotFound
	}
	return st.join(p), nil
}

// awaitStream waits for a stream. If no opener knows of it, the hooks are told that it was not found.
func (s *Server) awaitStream(ctx context.Context, p *Player, ev *hook.PlayEvent, opened bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, max(s.config().PlayWait, 0), ErrStreamNotFound)
	defer cancel()
	asked := make(chan bool, 1)
	if !opened && !s.spawn(func() { asked <- s.askNotFound(ctx, ev) }) {
		return ErrServerClosed
	}
	for {
		if joined, err := s.join(p); joined || err != nil {
			return err
		}
		again, err := s.awaitOnce(ctx, p, asked)
		if !again {
			return err
		}
	}
}

// awaitOnce waits until there is reason to look for the stream again.
func (s *Server) awaitOnce(ctx context.Context, p *Player, asked <-chan bool) (again bool, err error) {
	arrived := s.arrival(p.request.Stream)
	defer s.leaveArrival(p.request.Stream, arrived)
	if joined, err := s.join(p); joined || err != nil { // it may have come before we began to listen
		return false, err
	}
	select {
	case <-arrived.c:
		return true, nil
	case giveUp := <-asked:
		if giveUp {
			return false, ErrStreamNotFound
		}
		return true, nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}

// askNotFound asks the hooks and reports whether the player is to be sent away at once.
func (s *Server) askNotFound(ctx context.Context, ev *hook.PlayEvent) (giveUp bool) {
	for _, h := range s.hooks.notFound {
		end, err := ask(ctx, s.asker, "stream_not_found", func(ctx context.Context) (bool, error) {
			return h.OnStreamNotFound(ctx, ev)
		})
		if err != nil && ctx.Err() == nil && !errors.Is(err, hook.ErrNotHandled) {
			if n, ok := s.asker.failing.Ready(); ok {
				s.log.Warn("hook failed", "event", "stream_not_found", "stream", ev.Stream.String(), "err", err, "number", n)
			}
		}
		giveUp = giveUp || end && err == nil
	}
	return giveUp
}

// arrival is closed when a stream is registered; listeners counts who waits for it.
type arrival struct {
	c         chan struct{}
	listeners int
}

func (s *Server) arrival(key StreamKey) *arrival {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.arrivals.Get(key)
	if a == nil {
		a = &arrival{c: make(chan struct{})}
		s.arrivals.Set(key, a)
	}
	a.listeners++
	return a
}

func (s *Server) leaveArrival(key StreamKey, a *arrival) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a.listeners--
	if a.listeners == 0 && s.arrivals.Get(key) == a {
		s.arrivals.Delete(key)
	}
}

// Player is a viewer that was admitted: counted, listed and kickable. It reads by Feed, ReadFormat or Read.
// Its methods may be called from any goroutine.
type Player struct {
	server     *Server
	stream     *Stream
	session    *Session
	ownSession bool
	request    PlayRequest
	begun      time.Time
	sent       uint64 // of the session when playing began
	skipped    uint64 // likewise
	joined     atomic.Bool

	previous, next *Player // of the stream; guarded by its mutex

	mu     sync.Mutex
	closed bool
	open   []*holding // what Close has to close
}

// Stream returns the stream that is played.
func (p *Player) Stream() *Stream { return p.stream }

// Schema is the kind of source that is read, such as rtmp.
func (p *Player) Schema() string { return p.request.Schema }

// Session returns the player's entry in the session list.
func (p *Player) Session() *Session { return p.session }

// Sent counts n bytes for a player that does its own writing; a [Feed] counts by itself.
func (p *Player) Sent(n int) { p.session.Sent(n) }

// Done is closed when the session was kicked or closed.
func (p *Player) Done() <-chan struct{} { return p.session.Done() }

// Err returns why the session was kicked.
func (p *Player) Err() error { return p.session.Err() }

// Close ends playing: feeds and readers of this player end with it. The cause is for the log. It may be
// called more than once.
func (p *Player) Close(cause error) {
	p.mu.Lock()
	closed, open := p.closed, p.open
	p.closed, p.open = true, nil
	p.mu.Unlock()
	if closed {
		return
	}
	for _, h := range open {
		h.end()
	}
	p.stream.leave(p)
	p.server.postFlow(&hook.FlowReportEvent{
		Stream: p.stream.key, Session: p.session.event(p.request.Schema, p.request.Params),
		TotalBytes: p.session.sent.Load() - p.sent, Duration: time.Since(p.begun), Player: true,
	})
	if p.ownSession { // otherwise whoever has the session says how it ended
		p.logLeft(cause)
	}
	p.closeSession()
}

func (p *Player) logLeft(cause error) {
	log := p.server.log.With("stream", p.stream.key.String(), "session", p.session.info.ID)
	if cause != nil {
		log = log.With("cause", cause)
	}
	log.Debug("player left")
}

func (p *Player) closeSession() {
	if p.ownSession {
		p.session.Close()
	}
}
