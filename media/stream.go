package media

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media/internal/fanout"
)

// maxLogItems bounds the packets a stream keeps, whatever their size.
const maxLogItems = 1 << 15

// Stream is a live stream. Its methods may be called from any goroutine.
type Stream struct {
	server  *Server
	key     StreamKey
	options hook.StreamOptions
	created time.Time
	packets *fanout.Log[*Packet]
	group   *fanout.Group // readers of packets
	desc    atomic.Pointer[Description]
	known   chan struct{}   // closed when the tracks are known
	life    context.Context // ends with the stream
	die     context.CancelCauseFunc

	private    *playback         // what makes a stream of one player's own; nil for the others
	registered bool              // guarded by server.mu, like the two that follow
	announced  []string          // the schemas of which observers were told
	leftOut    map[string]string // codecs that were said to be left out, by schema; likewise
	late       []string          // those that Announce has added

	sharesMu sync.Mutex
	shares   map[any]*share // what its users have in common; guarded by sharesMu

	mu          sync.Mutex // guards what follows
	publisher   *Publisher // nil while the stream waits for one to come back
	last        *Publisher // the newest publisher
	grace       *time.Timer
	ended       bool
	timeline    *timeline
	pacer       *pacer   // nil if packets pass as they come
	unwanted    []*Track // of the publisher's, by the options
	epoch       epochClock
	lead        *Track        // the track that has the start points
	lastStart   time.Duration // DTS of the newest start point
	mute        *mute         // silence instead of audio; nil if there is none to add
	outputs     map[*Format]*output
	readers     map[string]int // players by schema
	players     playerList
	left        Traffic // of the players that have left
	schema      string  // the one whose count changed last
	idle        *time.Timer
	recorders   int  // how many record it as MP4
	recorderDue bool // one is about to
	past        past
	keyAsked    time.Time // when the publisher was asked for a key frame
	counters    counters
}

func newStream(s *Server, key StreamKey, options hook.StreamOptions) *Stream {
	life, die := context.WithCancelCause(context.Background())
	st := &Stream{
		server: s, key: key, options: options, created: time.Now(),
		packets: fanout.NewLog[*Packet](fanout.Limits{Bytes: s.config().LogBytes, Items: maxLogItems}),
		group:   s.engine.NewGroup(),
		known:   make(chan struct{}), life: life, die: die,
		timeline: newTimeline(*options.ModifyStamp), lastStart: noStart,
		outputs: map[*Format]*output{}, readers: map[string]int{},
	}
	st.pacer = newPacer(st)
	if keep := options.KeepFor; keep != nil {
		st.past.keep = max(*keep, 0)
	}
	return st
}

// Key names the stream.
func (st *Stream) Key() StreamKey { return st.key }

// Server returns the server the stream lives in.
func (st *Stream) Server() *Server { return st.server }

// Options returns the options the stream was published with; they do not change.
func (st *Stream) Options() hook.StreamOptions { return st.options }

// Done is closed when the stream has ended.
func (st *Stream) Done() <-chan struct{} { return st.life.Done() }

// Err returns why the stream was ended, such as by ErrKicked or ErrNoReader; nil before, and when its publisher has finished.
func (st *Stream) Err() error {
	if cause := context.Cause(st.life); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Tracks waits until the tracks are known, and the stream can be found and played, and returns them. It returns
// ErrStreamNotFound if the stream ends before.
func (st *Stream) Tracks(ctx context.Context) ([]*Track, error) {
	if st.isKnown() {
		return slices.Clone(st.desc.Load().Tracks), nil
	}
	select {
	case <-st.known:
		return slices.Clone(st.desc.Load().Tracks), nil
	case <-st.life.Done():
		return nil, ErrStreamNotFound
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Description returns what is known of the stream; it is never nil. It must not be changed.
func (st *Stream) Description() *Description {
	if d := st.desc.Load(); d != nil {
		return d
	}
	return &Description{}
}

// Kick ends the stream: its publisher is told with the cause and gets no grace.
func (st *Stream) Kick(cause error) {
	st.endIf(cause, func() bool { return true })
}

// adopt makes p the publisher of a stream whose publisher dropped.
func (st *Stream) adopt(p *Publisher) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.free(); err != nil {
		return err
	}
	st.grace.Stop()
	st.timeline.restart()
	for _, o := range st.outputs {
		o.resumed = true // what was held has been flushed
	}
	st.take(p)
	return nil
}

// free returns ErrStreamExists if somebody publishes the stream. st.mu is held.
func (st *Stream) free() error {
	if st.publisher != nil || st.ended { // ended: its end is under way
		return ErrStreamExists
	}
	return nil
}

// take enters p as the publisher. st.mu is held.
func (st *Stream) take(p *Publisher) {
	p.stream, st.publisher, st.last = st, p, p
	p.session.publisher.Store(p)
}

// orphan leaves the stream without its publisher p for the time of grace. A stream whose tracks nobody knows has none:
// nobody waits in it.
func (st *Stream) orphan(p *Publisher, cause error) {
	wait := *st.options.ContinuePush
	st.mu.Lock()
	if st.publisher != p || wait <= 0 || !st.isKnown() {
		st.mu.Unlock()
		st.end(p, cause)
		return
	}
	st.publisher = nil
	for _, o := range st.outputs {
		o.flushHeld()
		o.flush()
	}
	st.grace = time.AfterFunc(wait, func() {
		st.endIf(cause, func() bool { return st.publisher == nil && st.last == p })
	})
	st.mu.Unlock()
	p.logger().Info("publisher dropped, stream waits for it", "grace", wait, "cause", cause)
}

// end ends the stream if p is its publisher.
func (st *Stream) end(p *Publisher, cause error) {
	st.endIf(cause, func() bool { return st.publisher == p })
}

// endIf ends the stream if that still holds once its mutex is locked. Readers get what is there and then
// io.EOF.
func (st *Stream) endIf(cause error, holds func() bool) {
	st.mu.Lock()
	if st.ended || !holds() {
		st.mu.Unlock()
		return
	}
	p := st.close()
	st.mu.Unlock()

	st.group.Wake()
	st.server.remove(st)
	st.die(cause)
	if p != nil {
		p.evict(cause)
	}
	if st.private != nil { // its player is logged
		st.private.cancel(cause) // nothing is read for a stream that takes no more
		return
	}
	log := st.server.log.With("stream", st.key.String())
	if cause != nil { // its publisher has not finished
		log = log.With("cause", cause)
	}
	log.Info("stream ended")
}

// close ends the logs and timers, and returns the publisher there was. st.mu is held.
func (st *Stream) close() *Publisher {
	st.ended = true
	p := st.publisher
	st.publisher = nil
	for _, t := range []*time.Timer{st.grace, st.idle} {
		if t != nil {
			t.Stop()
		}
	}
	st.pacer.flush()
	st.packets.Close()
	for _, o := range st.outputs {
		o.close()
	}
	return p
}

// isKnown reports whether the tracks are.
func (st *Stream) isKnown() bool {
	select {
	case <-st.known:
		return true
	default:
		return false
	}
}

// setKnown lets go on who waits for the tracks.
func (st *Stream) setKnown() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.isKnown() {
		close(st.known)
	}
}

// params returns the raw query of the publisher's URL.
func (st *Stream) params() string {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.last == nil {
		return ""
	}
	return st.last.request.Params
}
