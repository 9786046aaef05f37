package media

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// openSource asks the openers for the stream of p. handled says that one of them answered: with a source, which p then
// plays, or with a stream that p can wait for.
func (s *Server) openSource(ctx context.Context, p *Player) (handled bool, err error) {
	s.mu.Lock()
	openers := s.openers
	s.mu.Unlock()
	if len(openers) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, max(s.config().PlayWait, s.config().HookTimeout), ErrStreamNotFound)
	defer cancel()
	a := &opening{
		server: s, request: p.request, info: p.session.event(p.request.Schema, p.request.Params),
		log: s.log.With("stream", p.request.Stream.String(), "session", p.session.info.ID),
	}
	for _, o := range openers {
		b, err := a.ask(ctx, o)
		switch {
		case errors.Is(err, hook.ErrNotHandled):
			continue
		case err != nil && context.Cause(ctx) != nil:
			return false, context.Cause(ctx)
		case err != nil:
			return false, err
		case b == nil:
			return true, nil
		}
		return true, s.playPrivately(p, b)
	}
	return false, nil
}

// opening is the search of a player for a source.
type opening struct {
	server  *Server
	request PlayRequest
	info    hook.Session
	log     *slog.Logger
}

// openerGrace is how long an opener may take to return after its context has ended, before that is logged.
const openerGrace = 10 * time.Second

// ask calls an opener on a goroutine of its own, because it may ignore its context, and waits for the answer or the end of
// ctx. What comes later is closed there.
func (a *opening) ask(ctx context.Context, o Opener) (*playback, error) {
	type answer struct {
		b   *playback
		err error
	}
	answered, left := make(chan answer), make(chan *time.Timer, 1)
	a.server.asker.running.Go(func() {
		b, err := a.open(ctx, o)
		select {
		case answered <- answer{b, err}:
		case warning := <-left:
			warning.Stop()
			b.discard()
		}
	})
	select {
	case ans := <-answered:
		return ans.b, ans.err
	case <-ctx.Done():
		left <- time.AfterFunc(openerGrace, func() {
			a.log.Warn("opener does not return, although its context has ended", "after", openerGrace)
		})
		return nil, context.Cause(ctx)
	}
}

// open calls an opener, and prepares what it returns to be played. A panic is logged, and no more than an error for the
// player.
func (a *opening) open(ctx context.Context, o Opener) (b *playback, err error) {
	defer func() {
		if v := recover(); v != nil {
			if n, ok := a.server.asker.panics.Ready(); ok {
				a.log.Error("opener panicked", "panic", v, "stack", string(debug.Stack()), "number", n)
			}
			b, err = nil, errOpenerPanic
		}
	}()
	src, err := o.Open(ctx, &OpenRequest{Stream: a.request.Stream, Session: a.info, Schema: a.request.Schema})
	if err != nil || src == nil {
		return nil, err
	}
	return a.server.newPlayback(src, a.request)
}
