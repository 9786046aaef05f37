package record

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Recorder records the streams of a server: by [Recorder.Start], and those whose options have EnableMP4. Its methods may be called
// from any goroutine.
type Recorder struct {
	media    *media.Server
	cfg      Config
	log      *slog.Logger
	create   func(path string) (file, error)
	finisher *finisher
	storer   *storer
	shelf    shelf
	library  *Library
	detach   []func()       // from the server
	running  sync.WaitGroup // recordings and showings; added to under mu, not when closed

	mu         sync.Mutex
	recordings map[id]*recording
	clips      map[*recording]struct{}
	wishes     map[*media.Stream]wish // of live streams
	held       map[string]bool        // the files that are being written
	showings   map[media.StreamKey]*showing
	roots      []string // directories that were recorded to, besides the configured one
	hlsRoots   []string // and those that were recorded to by HLS
	closed     bool
}

// id names a recording.
type id struct {
	stream media.StreamKey
	kind   Kind
}

// wish is what a Request has asked for, which holds for the stream from then on.
type wish struct {
	dir string
	max time.Duration
}

var _ media.Service = (*Recorder)(nil)

// New returns a recorder of m's streams. Recordings below Config.Dir that a crash has left are finished in the background. It returns
// an error for a Config that makes no sense, and after m was closed. The recorder ends with m.
func New(m *media.Server, cfg Config) (*Recorder, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	r := &Recorder{
		media: m, cfg: cfg, log: m.Logger(), create: createFile,
		recordings: map[id]*recording{}, clips: map[*recording]struct{}{}, wishes: map[*media.Stream]wish{}, held: map[string]bool{},
		showings: map[media.StreamKey]*showing{},
	}
	r.shelf.dir, r.shelf.books = cfg.Dir, map[bookKey]*book{} // a sweep looks into it at once
	r.library = &Library{
		dir: cfg.Dir, app: cfg.App, shelf: &r.shelf, log: r.log,
		downloads: downloads{perAddress: cfg.DownloadsPerAddress, log: r.log}, lists: make(chan struct{}, maxLists),
	}
	r.finisher, r.storer = newFinisher(r), newStorer(r)
	r.roots, r.hlsRoots = cfg.knownRoots(rootsFile), cfg.knownRoots(hlsRootsFile)
	r.recoverAll()
	if err := m.Register(r); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	r.finisher.sweepNow()
	r.detach = append(r.detach, m.RecordsMP4(), m.Tap(nil, media.TapFunc(r.serve)))
	if !cfg.NoPlayback {
		r.detach = append(r.detach, m.Open(r))
	}
	return r, nil
}

// serve records a stream whose options want it, and forgets what was wished for it when it ends.
func (r *Recorder) serve(ctx context.Context, st *media.Stream) error {
	err := r.startWanted(st)
	if err != nil && ctx.Err() == nil {
		r.log.Warn("a stream is not recorded as its options want", "stream", st.Key().String(), "err", err)
	}
	<-ctx.Done() // what is asked for until then holds until then
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.wishes, st)
	return nil
}

// startWanted begins what the options of a stream and the configuration want.
func (r *Recorder) startWanted(st *media.Stream) (errs error) {
	o := st.Options()
	for _, x := range []struct {
		kind Kind
		on   bool
	}{
		{MP4, o.EnableMP4 != nil && *o.EnableMP4},
		{HLS, r.cfg.KeepHLS && (o.EnableHLS == nil || *o.EnableHLS)},
		{HLSFMP4, r.cfg.KeepHLS && (o.EnableHLSFMP4 == nil || *o.EnableHLSFMP4)},
	} {
		if !x.on {
			continue
		}
		if err := r.begin(st, Request{Stream: st.Key(), Kind: x.kind}); err != nil {
			errs = errors.Join(errs, fmt.Errorf("record: %v: %w", x.kind, err))
			if x.kind == MP4 {
				st.AddRecorder()() // it is not, after all
			}
		}
	}
	return errs
}

// Start begins to record a live stream, with the newest key frame that it has. Of what is recorded already it changes nothing. It
// returns media.ErrStreamNotFound, ErrUnsupported, ErrBadPath, ErrNothing if the tracks are known and none can be recorded, ErrClosed, and by HLS
// ErrInUse if another recorder writes there and does not end within three seconds. What the options of a stream want begins as soon as that does.
func (r *Recorder) Start(ctx context.Context, q Request) error {
	st, ok := r.media.Stream(q.Stream)
	if !ok {
		return media.ErrStreamNotFound
	}
	if err := r.awaitHour(ctx, st, q); err != nil {
		return err
	}
	return r.begin(st, q)
}

// begin begins to record.
func (r *Recorder) begin(st *media.Stream, q Request) error {
	form, ok := containerOf(q.Kind)
	if !ok {
		return ErrUnsupported
	}
	if tracks := st.Description().Tracks; len(tracks) > 0 && !carries(form, tracks) {
		return ErrNothing
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	name := id{st.Key(), q.Kind}
	if g := r.recordings[name]; g != nil && g.stream == st {
		return nil
	}
	if q.Kind == HLS || q.Kind == HLSFMP4 {
		return r.startSegments(name, st, q, form)
	}
	w := r.wish(st, q)
	p, err := placeOf(w.dir, r.cfg.App, st.Key())
	if err != nil {
		return err
	}
	r.wishes[st] = w
	r.remember(p.root)
	g := r.newRecording(st, q.Kind, form, p, w.max)
	g.unmark = st.AddRecorder()
	r.recordings[name] = g
	r.running.Go(g.run)
	return nil
}

// startSegments begins to record by HLS. r.mu is held.
func (r *Recorder) startSegments(name id, st *media.Stream, q Request, form container) error {
	p, err := r.placeOfHLS(st, q)
	if err != nil {
		return err
	}
	r.rememberHLS(hlsRoot{p.root, st.Key().Canonical().VHost})
	g := r.newRecording(st, q.Kind, form, p, r.cfg.SegmentDuration)
	g.unmark = func() {}
	r.recordings[name] = g
	r.running.Go(g.runSegments)
	return nil
}

// placeOfHLS returns where a stream is recorded by HLS.
func (r *Recorder) placeOfHLS(st *media.Stream, q Request) (place, error) {
	root := r.cfg.Dir
	if o := st.Options(); o.HLSSavePath != nil && *o.HLSSavePath != "" {
		root = *o.HLSSavePath
	}
	if q.Dir != "" {
		root = q.Dir
	}
	return placeOf(root, "", st.Key())
}

func (r *Recorder) newRecording(st *media.Stream, k Kind, form container, p place, longest time.Duration) *recording {
	g := &recording{
		recorder: r, stream: st, kind: k, form: form, place: p, max: longest, done: make(chan struct{}), left: map[media.Codec]bool{},
		log: r.log.With("stream", st.Key().String(), "kind", k.String()),
	}
	g.ctx, g.cancel = context.WithCancel(context.Background())
	return g
}

func carries(form container, tracks []*media.Track) bool {
	for _, t := range tracks {
		if form.carries(t) {
			return true
		}
	}
	return false
}

// wish is what holds for a recording: what the request asks for, what an earlier one has, the options of the stream, the
// configuration. r.mu is held.
func (r *Recorder) wish(st *media.Stream, q Request) wish {
	w, o := r.wishes[st], st.Options()
	if q.Dir != "" {
		w.dir = q.Dir
	}
	if w.dir == "" && o.MP4SavePath != nil {
		w.dir = *o.MP4SavePath
	}
	if w.dir == "" {
		w.dir = r.cfg.Dir
	}
	if q.MaxDuration > 0 {
		w.max = q.MaxDuration
	}
	if w.max <= 0 && o.MP4MaxDuration != nil {
		w.max = *o.MP4MaxDuration
	}
	if w.max <= 0 {
		w.max = r.cfg.MaxDuration
	}
	return w
}

// Stop ends a recording, and returns when its file is closed: to make it an ordinary one takes longer, and then the observers of
// OnRecordMP4 are told. It is no error if there was none.
func (r *Recorder) Stop(ctx context.Context, key media.StreamKey, kind Kind) error {
	r.mu.Lock()
	g := r.recordings[id{key.Canonical(), kind}]
	r.mu.Unlock()
	if g == nil {
		return nil
	}
	g.cancel()
	select {
	case <-g.done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Recording reports whether a stream is recorded.
func (r *Recorder) Recording(key media.StreamKey, kind Kind) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.recordings[id{key.Canonical(), kind}] != nil
}

// forget takes a recording out that has ended.
func (r *Recorder) forget(g *recording) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.clips, g)
	select {
	case <-g.stream.Done(): // perhaps it was wished after the tap had gone
		delete(r.wishes, g.stream)
	default:
	}
	if name := (id{g.stream.Key(), g.kind}); r.recordings[name] == g {
		delete(r.recordings, name)
	}
}

// hold says that a file is being written, and reports whether it was before; letGo says that it is not any more.
func (r *Recorder) hold(path string) (before bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before = r.held[path]
	r.held[path] = true
	return before
}

func (r *Recorder) letGo(path string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.held, path)
}

func (r *Recorder) holds(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.held[path]
}

// Shutdown ends all recordings, waits until their files are closed, and then until they are ordinary ones, at most as long as ctx lasts: what
// is not by then is when a Recorder begins again. It returns the cause of ctx then. Nothing is recorded afterwards.
func (r *Recorder) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	r.closed = true
	all := slices.Concat(slices.Collect(maps.Values(r.recordings)), slices.Collect(maps.Keys(r.clips)))
	shown := slices.Collect(maps.Values(r.showings))
	r.mu.Unlock()
	for _, detach := range r.detach {
		detach()
	}
	for _, g := range all {
		g.cancel()
	}
	for _, s := range shown {
		s.cancel()
	}
	r.running.Wait() // also for those whose stream has ended, and another of its name come
	err := r.finisher.shutdown(ctx)
	r.storer.shutdown()
	r.shelf.close()
	r.media.Unregister(r)
	return err
}

// Close is Shutdown that does not wait for files to become ordinary ones: they are, and the observers are told, when a recorder begins with the
// directory again.
func (r *Recorder) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_ = r.Shutdown(ctx) // that it was cut short is meant
	return nil
}

// asPlayer makes the recording count as a reader, if the options of the stream want that.
func (g *recording) asPlayer() (end func()) {
	o := g.stream.Options()
	if o.MP4AsPlayer == nil || !*o.MP4AsPlayer || g.kind != MP4 && g.kind != FMP4 {
		return func() {}
	}
	p, err := g.recorder.media.Play(g.ctx, media.PlayRequest{Stream: g.stream.Key(), Schema: "mp4", Authorized: true, NoWait: true})
	if err != nil {
		return func() {}
	}
	return func() { p.Close(nil) }
}
