package web

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/idle"
	"github.com/sluice-media/sluice/internal/still"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/media"
)

// Handler is an http.Handler that serves live streams. It ends with its media.Server.
type Handler struct {
	media    *media.Server
	cfg      atomic.Pointer[Config]
	log      *slog.Logger
	forms    []*container
	variants []*variant    // of HLS
	viewers  viewers       // by HLS
	gzips    sync.Pool     // of *gzip.Writer
	untap    func()        // ends what is done for HLS while nobody watches
	stills   still.Sharing // being sent
	ends     acceptor.Ends // of sessions by HTTP
	wsEnds   acceptor.Ends // of those by WebSocket

	running tally.Tally   // sessions
	idle    *idle.Watcher // of sessions that wait for their clients
	life    context.Context
	die     context.CancelFunc
	over    context.Context // has ended

	mu       sync.Mutex
	closing  bool
	sessions elastic.Map[*session, struct{}]
}

var (
	_ http.Handler  = (*Handler)(nil)
	_ media.Service = (*Handler)(nil)
)

// NewHandler returns a handler that serves the streams of m. It fails only after m was closed.
func NewHandler(m *media.Server, cfg Config) (*Handler, error) {
	h := &Handler{media: m, log: m.Logger(), forms: containers(&cfg), over: over()}
	h.variants = variants(h.forms)
	h.idle = idle.NewWatcher(&h.running)
	h.life, h.die = context.WithCancel(context.Background())
	h.store(cfg)
	if err := m.RegisterFormats(h, formats(h.forms)...); err != nil {
		return nil, err
	}
	h.untap = m.Tap(nil, media.TapFunc(h.serveHLS))
	return h, nil
}

// config returns the Config as it is at present. It must not be changed.
func (h *Handler) config() *Config { return h.cfg.Load() }

func (h *Handler) store(cfg Config) {
	if cfg.NotFound == nil {
		cfg.NotFound = http.HandlerFunc(cfg.notFound)
	}
	h.cfg.Store(&cfg)
}

// Reconfigure replaces the Config, from the next request on, and disturbs nobody. LegacyCodecs stays.
func (h *Handler) Reconfigure(cfg Config) {
	cfg.LegacyCodecs = h.config().LegacyCodecs
	h.store(cfg)
}

// ServeHTTP serves a stream, a playlist or a segment to GET, headers to HEAD and permissions to OPTIONS; the rest goes to
// Config.NotFound.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	serve := h.route(r)
	if serve == nil {
		h.config().NotFound.ServeHTTP(w, r)
		return
	}
	defer h.recover(r)
	bound(w, r)
	if len(r.URL.RawQuery) > maxQuery {
		http.Error(w, "the query is too long", http.StatusRequestURITooLong)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		serve(w, r)
	case http.MethodOptions:
		h.allow(w.Header(), r)
	default:
		w.Header().Set("Allow", allowed)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	}
}

// route returns what serves a request, or nil if it is for nothing here.
func (h *Handler) route(r *http.Request) http.HandlerFunc {
	if t, ok := h.parseTarget(r); ok {
		return func(w http.ResponseWriter, r *http.Request) { h.serveStream(w, r, t) }
	}
	if t, ok := h.parseStill(r); ok {
		return func(w http.ResponseWriter, r *http.Request) { h.serveStill(w, r, t) }
	}
	t, ok := h.parseHLS(r)
	switch {
	case !ok:
		return nil
	case t.variant != nil:
		return func(w http.ResponseWriter, r *http.Request) { h.servePlaylist(w, r, t) }
	}
	v := h.viewers.find(r, t, h.config().remote(r).Addr(), h.wireOf(r), h.variants)
	if v == nil && r.Method != http.MethodOptions { // browsers ask for leave without their cookies
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) { h.serveSegment(w, r, v, t) }
}

// serveStream serves a stream that does not end, or its headers.
func (h *Handler) serveStream(w http.ResponseWriter, r *http.Request, t target) {
	switch {
	case r.Method == http.MethodHead:
		h.setHeaders(w.Header(), r, t)
	case isUpgrade(r):
		h.serveWebSocket(w, r, t)
	default:
		h.serveReply(w, r, t)
	}
}

// maxQuery bounds the query of a stream, in bytes.
const maxQuery = 8 << 10

// bound limits the time for a reply that is no stream, and for the body that nobody asks for, where the http.Server has no
// limits of its own. It takes its limits back when the request is over.
func bound(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	until := time.Now().Add(replyTime)
	_ = rc.SetWriteDeadline(until) // not every server can do that
	if r.Body != nil && r.Body != http.NoBody {
		_ = rc.SetReadDeadline(until)
	}
}

// unbound takes the limits off, also those of the http.Server: a stream may be waited for, and does not end.
func unbound(w http.ResponseWriter) {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Time{})
	_ = rc.SetReadDeadline(time.Time{})
}

// recover keeps a panic from ending more than its request.
func (h *Handler) recover(r *http.Request) {
	if v := recover(); v != nil {
		h.ends.Log(h.log.With("peer", r.RemoteAddr), acceptor.End{Err: &acceptor.PanicError{Value: v, Stack: debug.Stack()}})
	}
}

const allowed = "GET, POST, PUT, HEAD, OPTIONS, DELETE"

// allow answers a browser that asks before it plays from a page of another origin.
func (h *Handler) allow(head http.Header, r *http.Request) { h.config().setAllowed(head, r, allowed) }

// setHeaders sets those of a stream.
func (h *Handler) setHeaders(head http.Header, r *http.Request, t target) {
	t.form.setHeaders(head)
	h.setCORS(head, r)
}

func (h *Handler) setCORS(head http.Header, r *http.Request) { h.config().setCORS(head, r) }

// newSession enters a request in the session list.
func (h *Handler) newSession(r *http.Request, t target, protocol string, kick func(error)) *media.Session {
	if r.TLS != nil {
		protocol += "s"
	}
	entry := h.media.NewSession(hook.Session{
		Schema: t.form.schema, Protocol: protocol, Remote: h.config().remote(r), Local: localOf(r), Params: r.URL.RawQuery,
	}, kick)
	if r.ProtoMajor == 1 {
		entry.Uses(forwarded.Ends(r))
	}
	return entry
}

// newHLSSession enters a viewer by HLS, which uses no connection for longer than a request, in the session list.
func (h *Handler) newHLSSession(r *http.Request, v *viewer, kick func(error)) *media.Session {
	return h.media.NewSession(hook.Session{
		Schema: v.place.schema, Protocol: v.place.schema, Remote: h.config().remote(r), Local: localOf(r), Params: v.place.query,
	}, kick)
}

// localOf is the address at which a request has come in.
func localOf(r *http.Request) (local netip.AddrPort) {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
		local = a.AddrPort()
		local = netip.AddrPortFrom(local.Addr().Unmap(), local.Port())
	}
	return local
}

// asking is how a player asks for its stream.
type asking int

const (
	patiently asking = iota // and waits for a stream that is not live
	atOnce                  // and does not wait
	admitted                // like patiently, by one that may play
)

func (h *Handler) play(ctx context.Context, entry *media.Session, t target, how asking) (*media.Player, error) {
	player, err := h.media.Play(ctx, media.PlayRequest{
		Stream: t.key, Session: entry, Schema: t.form.schema, Params: t.params,
		NoWait: how == atOnce, Authorized: how == admitted,
	})
	if err == nil {
		h.logger(entry, player).Debug("playing")
	}
	return player, err
}

// Shutdown waits until the players have got the rest of their streams, or ctx ends; then it closes them and
// returns ctx.Err(). The listener is that of the http.Server.
func (h *Handler) Shutdown(ctx context.Context) error {
	defer h.media.Unregister(h)
	h.stop()
	h.dismissAll()
	ended := make(chan struct{})
	go func() {
		h.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		h.idle.Close()
		return nil
	case <-ctx.Done():
		_ = h.Close()
		return ctx.Err()
	}
}

// Close closes all connections that were taken over, and waits for them.
func (h *Handler) Close() error {
	defer h.media.Unregister(h)
	h.die()
	for _, x := range h.stop() {
		x.conn.Close()
	}
	h.dismissAll()
	h.running.Wait()
	h.idle.Close()
	return nil
}

func (h *Handler) isClosing() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closing
}

func (h *Handler) stop() []*session {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closing = true
	var list []*session
	for x := range h.sessions.All() {
		list = append(list, x)
	}
	return list
}

// dismissAll ends the viewers by HLS, of whom no more are let in.
func (h *Handler) dismissAll() {
	h.untap()
	for _, v := range h.viewers.all() {
		h.dismiss(v, media.ErrServerClosed)
	}
	h.viewers.close()
}
