package media

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// Source is media that one viewer plays at a pace of its own: a file, a recording, the archive of another server.
// The core reads it ahead of the clock by no more than a second, and waits when the viewer does not keep up, or
// has no reader or feed: nothing is skipped. Its methods are called by one goroutine at a time.
type Source interface {
	// Tracks are those of the packets, at most 16. They are asked for once, first of all.
	Tracks() []*Track
	// Duration is that of the whole. 0 means that it is not known.
	Duration() time.Duration
	// ReadPacket returns the next packet in decoding order, or io.EOF at the end. DTS and PTS count from the beginning
	// of the source and go to the viewer as they are. A new *Track of a known ID announces new parameter sets. The
	// packet belongs to the core from then on.
	ReadPacket(ctx context.Context) (*Packet, error)
	// Seek goes on at the last key frame that is not after at, or at the first there is, and returns its DTS.
	Seek(ctx context.Context, at time.Duration) (time.Duration, error)
	// Close is called once, last of all.
	Close() error
}

// Opener makes streams that are not there. It is asked for one after OnPlay has admitted the player, and before
// OnStreamNotFound. Playback of files, pulls on demand and edges of an origin are openers.
type Opener interface {
	// Open returns a source for this player alone; or nil once the stream that it asks for is published, or will be
	// soon: the player then joins it as any other, and waits for it as long as Config.PlayWait says. An opener that
	// knows nothing of the stream returns hook.ErrNotHandled, and the next is asked. Any other error, such as
	// ErrStreamNotFound or a *hook.DenyError, is the player's. ctx ends with the player, and after Config.PlayWait or
	// Config.HookTimeout, whichever is longer. Several players may ask for one stream at the same time.
	Open(ctx context.Context, r *OpenRequest) (Source, error)
}

// OpenerFunc is a function that is an [Opener].
type OpenerFunc func(ctx context.Context, r *OpenRequest) (Source, error)

// Open calls f.
func (f OpenerFunc) Open(ctx context.Context, r *OpenRequest) (Source, error) { return f(ctx, r) }

// OpenRequest says what a player asks for.
type OpenRequest struct {
	// Stream names it.
	Stream StreamKey
	// Session describes the player; its Params are the raw query of the request.
	Session hook.Session
	// Schema is the kind of source that is read: rtmp, rtsp, ts, fmp4 ….
	Schema string
}

// Open lets o open streams that are not there, after the openers registered before it. stop ends that; sources that
// were opened play on. A nil opener is none.
func (s *Server) Open(o Opener) (stop func()) {
	if o == nil {
		s.log.Error("a nil media.Opener was registered")
		return func() {}
	}
	e := &openerEntry{o}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.openers = append(s.openers[:len(s.openers):len(s.openers)], e)
	return func() { s.dropOpener(e) }
}

type openerEntry struct{ Opener }

func (s *Server) dropOpener(e *openerEntry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var left []*openerEntry
	for _, other := range s.openers {
		if other != e {
			left = append(left, other)
		}
	}
	s.openers = left
}

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
	defer context.AfterFunc(s.decision, cancel)() //nolint:contextcheck // ends with the player and with the server
	r := &OpenRequest{
		Stream: p.request.Stream, Session: p.session.event(p.request.Schema, p.request.Params), Schema: p.request.Schema,
	}
	for _, o := range openers {
		src, err := s.tryOpener(ctx, o, r)
		switch {
		case errors.Is(err, hook.ErrNotHandled):
			continue
		case err != nil && context.Cause(ctx) != nil:
			return false, context.Cause(ctx)
		case err != nil:
			return false, err
		case src == nil:
			return true, nil
		}
		return true, s.playPrivately(p, src)
	}
	return false, nil
}

// tryOpener calls an opener. A panic is logged, and no more than an error for the player.
func (s *Server) tryOpener(ctx context.Context, o Opener, r *OpenRequest) (src Source, err error) {
	defer func() {
		if v := recover(); v != nil {
			s.log.Error("opener panicked", "stream", r.Stream.String(), "session", r.Session.ID, "panic", v, "stack", string(debug.Stack()))
			src, err = nil, errOpenerPanic
		}
	}()
	return o.Open(ctx, r)
}
