package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// PublishRequest asks for a stream to publish.
type PublishRequest struct {
	// Stream names it. An empty VHost means hook.DefaultVHost.
	Stream StreamKey
	// Session is the publisher's entry in the session list. Nil makes one that ends with the publisher.
	Session *Session
	// Schema is the kind of source for hooks, such as rtmp.
	Schema string
	// Params is the raw query of the publisher's URL, 8 KiB at most.
	Params string
	// Origin and OriginURL say where the stream comes from.
	Origin    hook.Origin
	OriginURL string
	// Authorized skips OnPublish, for what the host itself has asked for, such as a pull.
	Authorized bool
	// Options go before the server's; what OnPublish replies goes before them.
	Options hook.StreamOptions
	// KeyFrame, if it is not nil, asks the peer for a key frame. It is called on a goroutine of its own, at most once
	// a second, when a viewer wants one ([Stream.RequestKeyFrame]); it must not wait for long.
	KeyFrame func()
}

const (
	// maxName bounds app and name of a stream, in bytes.
	maxName = 8 << 10
	// maxParams bounds the query of a URL, in bytes.
	maxParams = 8 << 10
)

func checkKey(key StreamKey) (StreamKey, error) {
	key = key.Canonical()
	if key.App == "" || key.Name == "" || len(key.App) > maxName || len(key.Name) > maxName || len(key.VHost) > maxName {
		return key, ErrBadName
	}
	return key, nil
}

// checkParams refuses a query that is too long, given with a request or by its session.
func checkParams(params string, x *Session) error {
	if len(params) > maxParams || x != nil && len(x.info.Params) > maxParams {
		return fmt.Errorf("%w: the query of its URL is over 8 KiB", ErrBadName)
	}
	return nil
}

func (r *PublishRequest) check() (StreamKey, error) {
	if err := checkParams(r.Params, r.Session); err != nil {
		return r.Stream, err
	}
	return checkKey(r.Stream)
}

// Publish asks the hooks and opens a stream, or goes on with one whose publisher dropped. It returns a
// *hook.DenyError or another error of a hook, ErrStreamExists, ErrBadName, ErrBadOptions, ErrServerClosed, the cause if
// its session was kicked, or what ended ctx.
func (s *Server) Publish(ctx context.Context, r PublishRequest) (*Publisher, error) {
	key, err := r.check()
	if err != nil {
		return nil, err
	}
	p := &Publisher{server: s, session: r.Session, request: r, done: make(chan struct{}), begun: time.Now()}
	if p.session == nil {
		p.session = s.NewSession(hook.Session{Schema: r.Schema, Protocol: r.Schema, Params: r.Params}, p.kicked)
		p.ownSession = true
	}
	p.received = p.session.received.Load()
	ctx, release := p.session.while(ctx)
	defer release()
	var reply hook.PublishReply
	if !r.Authorized {
		reply, err = s.askPublish(ctx, &hook.PublishEvent{
			Stream: key, Session: p.session.event(r.Schema, r.Params), Origin: r.Origin,
		})
	}
	if err == nil {
		if reply.StreamReplace != "" {
			key.Name = reply.StreamReplace
		}
		key, err = checkKey(key)
	}
	if err == nil {
		err = s.attach(p, key, reply.Options.Merge(r.Options).Merge(s.config().Options))
	}
	if err != nil {
		p.closeSession()
		return nil, err
	}
	if err = p.begin(); err != nil {
		return nil, err
	}
	return p, nil
}

// begin lets a kick end a publisher that has its stream. A session that ended before could not: then begin does.
func (p *Publisher) begin() error {
	p.attached.Store(true)
	err := p.session.over()
	if err != nil {
		p.Close(err)
	}
	return err
}

// kicked ends a publisher that has its session to itself.
func (p *Publisher) kicked(cause error) {
	if p.attached.Load() {
		p.stream.end(p, cause)
	}
}

// askPublish asks all publish hooks: the first error refuses, of each option the first value counts.
func (s *Server) askPublish(ctx context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	var all hook.PublishReply
	for _, h := range s.hooks.publish {
		reply, err := ask(ctx, s.asker, "publish", func(ctx context.Context) (hook.PublishReply, error) {
			return h.OnPublish(ctx, ev)
		})
		if errors.Is(err, hook.ErrNotHandled) {
			continue
		}
		if err != nil {
			return all, refused(ctx, "publish", err)
		}
		all.Options = all.Options.Merge(reply.Options)
		if all.StreamReplace == "" {
			all.StreamReplace = reply.StreamReplace
		}
	}
	return all, nil
}

// refused returns the error for a session that a hook refuses, or cannot decide about.
func refused(ctx context.Context, event string, err error) error {
	if _, denied := hook.Denied(err); denied {
		return err
	}
	if ctx.Err() != nil { // the session ended meanwhile
		return context.Cause(ctx)
	}
	if errors.Is(err, ErrServerClosed) {
		return err
	}
	return fmt.Errorf("%w: %s: %w", ErrHookFailed, event, err)
}

// attach makes p the publisher of a stream: of a new one, or of one whose publisher dropped.
func (s *Server) attach(p *Publisher, key StreamKey, options hook.StreamOptions) error {
	if err := checkOptions(&options); err != nil {
		return err
	}
	st, err := s.open(p, key, options)
	if err != nil || p.stream == st {
		return err
	}
	if err = st.adopt(p); err != nil && s.isClosing() {
		return ErrServerClosed
	}
	return err
}

// open returns the stream of a name. If there is none it makes one, with p as its publisher.
func (s *Server) open(p *Publisher, key StreamKey, options hook.StreamOptions) (*Stream, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return nil, ErrServerClosed
	}
	s.attribute(p, key)
	st := s.streams.Get(key)
	if st == nil {
		st = newStream(s, key, options)
		st.take(p) // nobody else knows the stream yet
		s.streams.Set(key, st)
	}
	return st, nil
}

// Publisher writes the packets of one stream. WritePacket, SetTracks and SetMetadata are for one goroutine at
// a time, the rest for any.
type Publisher struct {
	server     *Server
	stream     *Stream
	session    *Session
	ownSession bool
	request    PublishRequest
	begun      time.Time
	received   uint64 // of the session when publishing began
	payload    uint64 // bytes of packets; guarded by the stream's mutex
	attached   atomic.Bool

	brokenUnits  bool        // which has been logged; guarded by the stream's mutex
	metadataOver atomic.Bool // which has been logged

	once sync.Once
	done chan struct{}
	err  error // set before done is closed
}

// Stream returns the stream that is published.
func (p *Publisher) Stream() *Stream { return p.stream }

// Session returns the publisher's entry in the session list.
func (p *Publisher) Session() *Session { return p.session }

// SetTracks says which tracks the stream has: all of them, again when one is added or changed. The stream is
// registered, and can be played, from the first call on. Tracks with audio are left out if the stream's
// options say so. It returns an ErrBadTracks for what can be none, and what WritePacket returns after the end.
func (p *Publisher) SetTracks(tracks ...*Track) error {
	if err := checkTracks(tracks); err != nil {
		return err
	}
	return p.stream.setTracks(p, tracks)
}

func checkTracks(tracks []*Track) error {
	if len(tracks) == 0 {
		return fmt.Errorf("%w: there is none", ErrBadTracks)
	}
	ids := map[int]bool{}
	for i, t := range tracks {
		switch {
		case t == nil:
			return fmt.Errorf("%w: number %d is nil", ErrBadTracks, i)
		case ids[t.ID]:
			return fmt.Errorf("%w: two have the ID %d", ErrBadTracks, t.ID)
		}
		if err := checkConfig(t); err != nil {
			return err
		}
		ids[t.ID] = true
	}
	return nil
}

// SetMetadata says what else is known of the stream. Values are strings, float64 and bool; others are not kept. md must
// not be changed afterwards. What is over 64 KiB in all is not taken, which the log says once: readers keep what there
// was.
func (p *Publisher) SetMetadata(md map[string]any) { p.stream.setMetadata(p, md) }

// WritePacket gives the stream a packet, whose stamps are the publisher's own: they may begin anywhere, wrap
// and jump. It never waits for readers. The packet and its bytes belong to the stream from then on. A new
// *Track of a known ID announces new parameter sets.
//
// It returns ErrUnknownTrack for a packet without Data, or of a track that SetTracks did not name; an ErrBadTracks for a new
// *Track of H.264 or H.265 whose Config begins with a start code; after the end what Err says, else ErrPublisherClosed.
func (p *Publisher) WritePacket(pkt *Packet) error { return p.stream.write(p, pkt) }

// Done is closed when the publisher has ended, by Close or from inside: a kick, the server's end.
func (p *Publisher) Done() <-chan struct{} { return p.done }

// Err returns why the publisher ended from inside; nil before, and after Close.
func (p *Publisher) Err() error {
	select {
	case <-p.done:
		return p.err
	default:
		return nil
	}
}

// Close ends publishing. A nil cause is a clean end: the stream ends. With a cause the publisher has dropped,
// and the stream waits as long as its ContinuePush option says for another to go on. It may be called more
// than once.
func (p *Publisher) Close(cause error) {
	kicked := p.session.Err()
	if !p.finish(nil) {
		return
	}
	switch {
	case kicked != nil:
		p.stream.end(p, kicked)
	case cause == nil:
		p.stream.end(p, nil)
	default:
		p.stream.orphan(p, cause)
	}
	p.report()
	p.closeSession()
}

// finish marks the publisher as ended and reports whether it was not before.
func (p *Publisher) finish(err error) bool {
	first := false
	p.once.Do(func() {
		first = true
		p.err = err
		p.session.publisher.CompareAndSwap(p, nil)
		close(p.done)
	})
	return first
}

// evict ends the publisher from inside.
func (p *Publisher) evict(cause error) {
	if !p.finish(cause) {
		return
	}
	p.session.Kick(cause)
	p.report()
	p.closeSession()
}

func (p *Publisher) closeSession() {
	if p.ownSession {
		p.session.Close()
	}
}

func (p *Publisher) report() {
	p.server.postFlow(&hook.FlowReportEvent{
		Stream: p.stream.key, Session: p.session.event(p.request.Schema, p.request.Params),
		TotalBytes: p.bytes(), Duration: time.Since(p.begun),
	})
}

// bytes is what came in: on the wire if the session counts it, else payload.
func (p *Publisher) bytes() uint64 {
	wire := p.session.received.Load() - p.received
	p.stream.mu.Lock()
	defer p.stream.mu.Unlock()
	return max(wire, p.payload)
}

func (p *Publisher) logger() *slog.Logger {
	return p.server.log.With("stream", p.stream.key.String(), "session", p.session.info.ID, "proto", p.session.info.Protocol)
}
