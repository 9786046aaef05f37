package media

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// Source is media that one viewer plays at a pace of its own: a file, a recording, the archive of another server.
// The core reads it ahead of the clock by no more than a second, and waits when the viewer does not keep up, or
// has no reader or feed: nothing is skipped. Its methods are called by one goroutine at a time.
type Source interface {
	// Tracks are those of the packets, at most 16. They are asked for once, first of all, where Open was called.
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
	// ErrStreamNotFound or a *hook.DenyError, is the player's. Several players may ask for one stream at the same time.
	//
	// ctx ends with the player or the server, and after Config.PlayWait or Config.HookTimeout, whichever is longer. Open
	// is to return then. It has a goroutine of its own, and so the player does not wait for one that stays; it is logged,
	// and what it returns later is closed. Server.Shutdown waits for it as long as its own ctx lasts, Server.Close not at
	// all.
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
