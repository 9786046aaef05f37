package media

import (
	"context"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/media/internal/fanout"
)

// StreamKey names a stream.
type StreamKey = hook.StreamKey

// Server is the table of live streams and sessions. It owns no socket: protocol servers bring the listeners.
// Its methods may be called from any goroutine.
type Server struct {
	cfg      atomic.Pointer[Config]
	log      *slog.Logger
	hooks    hookSet
	asker    *asker
	events   *dispatcher
	engine   *fanout.Engine
	limiter  *connlimit.Limiter
	ports    portLedger
	decision context.Context // ends with the server; decisions that belong to no session run under it
	cancel   context.CancelFunc

	lastSession  atomic.Uint64
	mp4Recorders atomic.Int64 // how many record what the options of streams want
	running      tally.Tally  // taps, timers' decisions

	mu       sync.Mutex // guards what follows; nothing that can wait is done under it, no stream's mutex taken
	closing  bool
	streams  elastic.Map[StreamKey, *Stream]
	arrivals elastic.Map[StreamKey, *arrival] // of streams that players wait for
	sessions elastic.Map[string, *Session]
	past     Traffic // of sessions that were closed
	services []registration
	openers  []*openerEntry
	taps     map[*tapEntry]struct{}

	attributions elastic.Map[StreamKey, *attribution]

	stopping sync.Once
	quiet    chan struct{} // closed when nothing but hooks may run still
	stopped  chan struct{} // closed when these have ended too
	stopErr  error         // of the services; set before quiet is closed
}

// New returns a server without streams. It fails on an invalid Config, on a hook that implements no hook interface,
// and on one with a method that only looks like a hook: of a known name, but of another type, in other letters, on the
// pointer of the value, or hidden by a second one. So it does for the hooks in a hook.Chain.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		log:   cfg.Logger,
		taps:  map[*tapEntry]struct{}{},
		quiet: make(chan struct{}), stopped: make(chan struct{}),
	}
	s.cfg.Store(&cfg)
	s.limiter = connlimit.New(cfg.Logger, cfg.limits())
	for _, h := range slices.Clone(cfg.Hooks) {
		if err := s.hooks.add(s.log, h, 0); err != nil {
			return nil, err
		}
	}
	s.asker = &asker{log: s.log}
	s.asker.timeout.Store(int64(cfg.HookTimeout))
	s.events = &dispatcher{
		asker: s.asker, log: s.log, base: context.Background(),
	}
	s.engine = fanout.NewEngine(runtime.GOMAXPROCS(0))
	s.decision, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// Logger returns the logger of the Config, for protocol servers to log with. It is never nil.
func (s *Server) Logger() *slog.Logger { return s.log }

// config returns the Config as it is at present, with its defaults. It must not be changed.
func (s *Server) config() *Config { return s.cfg.Load() }

// Reconfigure replaces the Config of a server that runs, but for Hooks and Logger, which stay. It disturbs nobody:
// what concerns a stream or a player as a whole (Options, LogBytes, StallTimeout) holds for new ones, the rest from
// the next use on. It fails like [New].
func (s *Server) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	before := s.config()
	cfg.Hooks, cfg.Logger = before.Hooks, before.Logger
	s.cfg.Store(&cfg)
	s.limiter.Set(cfg.limits())
	s.asker.timeout.Store(int64(cfg.HookTimeout))
	return nil
}

// Stream returns a stream that is registered: one whose tracks are known. An empty VHost means hook.DefaultVHost.
func (s *Server) Stream(key StreamKey) (*Stream, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.streams.Get(key.Canonical())
	if st == nil || !st.registered {
		return nil, false
	}
	return st, true
}

// Streams yields the registered streams, in no order.
func (s *Server) Streams() iter.Seq[*Stream] {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Stream
	for st := range s.streams.Values() {
		if st.registered {
			list = append(list, st)
		}
	}
	return slices.Values(list)
}

// Sessions yields the sessions, in no order.
func (s *Server) Sessions() iter.Seq[*Session] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Values(slices.Collect(s.sessions.Values()))
}

// Session returns the session with an id.
func (s *Server) Session(id string) (*Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.sessions.Get(id)
	return x, x != nil
}

// register makes a stream visible, and wakes the players that wait for it.
func (s *Server) register(st *Stream) {
	var src hook.Source
	s.expectRecorder(st)
	if len(s.hooks.streamChanged) > 0 {
		src = st.Source("") // nobody can read it yet, in any schema
	}
	if s.enter(st, src) {
		s.log.Info("stream registered", "stream", st.key.String(), "tracks", st.trackNames())
		st.watchReaders()
	}
}

func (s *Server) enter(st *Stream, src hook.Source) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.registered || s.streams.Get(st.key) != st {
		return false
	}
	st.registered = true
	s.logLeft(st)
	s.postChanged(st, true, src)
	if a := s.arrivals.Get(st.key); a != nil {
		close(a.c)
		s.arrivals.Delete(st.key)
	}
	for tap := range s.taps {
		s.startTap(tap, st)
	}
	return true
}

// remove takes a stream that has ended out of the table.
func (s *Server) remove(st *Stream) {
	src := hook.Source{Params: st.params()}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.streams.Get(st.key) == st {
		s.streams.Delete(st.key)
	}
	if st.registered {
		s.postChanged(st, false, src)
	}
}

// spawn runs fn on a goroutine that the server waits for, unless it ends already.
func (s *Server) spawn(fn func()) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.running.Go(fn)
	return true
}

// Schemas lists those in which the stream is served, such as rtmp and rtsp.
func (st *Stream) Schemas() []string {
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	return st.server.schemasOf(st)
}

// postChanged tells observers that a stream came or went. s.mu is held, so that they are told in order.
func (s *Server) postChanged(st *Stream, registered bool, src hook.Source) {
	if len(s.hooks.streamChanged) == 0 {
		return
	}
	if registered {
		st.announced = s.schemasOf(st)
		if !s.hasSchemas() && len(st.late) == 0 {
			st.announced = []string{""}
		}
	}
	for _, schema := range st.announced {
		s.postSchema(st, schema, registered, src)
	}
}

// postSchema tells observers that a stream came or went in one schema. s.mu is held.
func (s *Server) postSchema(st *Stream, schema string, registered bool, src hook.Source) {
	ev := &hook.StreamChangedEvent{Stream: st.key, Schema: schema, Registered: registered, Source: src}
	for _, h := range s.hooks.streamChanged {
		s.events.post(st.key, "stream_changed", func(ctx context.Context) { h.OnStreamChanged(ctx, ev) })
	}
}

// hasSchemas reports whether any protocol serves streams. s.mu is held.
func (s *Server) hasSchemas() bool {
	return slices.ContainsFunc(s.services, func(r registration) bool { return len(r.formats) > 0 })
}

// postFlow tells observers what a session moved.
func (s *Server) postFlow(ev *hook.FlowReportEvent) {
	if ev.TotalBytes < s.config().FlowThreshold {
		return
	}
	for _, h := range s.hooks.flowReport {
		s.events.post(ev.Stream, "flow_report", func(ctx context.Context) { h.OnFlowReport(ctx, ev) })
	}
}
