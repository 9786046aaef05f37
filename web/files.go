package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/media"
)

// Files is an http.Handler that serves the files of a folder: GET and HEAD, with ranges and conditions (RFC 9110). Each request is
// asked about (hook.HTTPAccessHook), unless there is a verdict that holds for it. What is hidden, which means that its name or
// that of a folder above begins with a dot, is not found, nor is what a link outside of the folder leads to, nor what is
// neither a plain file nor a folder. It ends with its media.Server.
type Files struct {
	media   *media.Server
	cfg     atomic.Pointer[filesSettings]
	log     *slog.Logger
	ends    acceptor.Ends
	permits permits

	running tally.Tally // requests
	life    context.Context
	die     context.CancelFunc
	mu      sync.Mutex
	closing bool
}

var (
	_ http.Handler  = (*Files)(nil)
	_ media.Service = (*Files)(nil)
)

// NewFiles returns a handler that serves files, and asks the hooks of m about them. It fails on a config that cannot be, and after
// m was closed.
func NewFiles(m *media.Server, cfg FilesConfig) (*Files, error) {
	f := &Files{media: m, log: m.Logger()}
	if err := f.Reconfigure(cfg); err != nil {
		return nil, err
	}
	f.life, f.die = context.WithCancel(context.Background())
	if err := m.Register(f); err != nil {
		f.die()
		return nil, err
	}
	return f, nil
}

// Reconfigure replaces the config, from the next request on. Verdicts of hooks stay.
func (f *Files) Reconfigure(cfg FilesConfig) error {
	s, err := cfg.settings()
	if err == nil {
		f.cfg.Store(s)
	}
	return err
}

// Shutdown waits until the downloads are complete, or ctx ends; then it ends them and returns ctx.Err().
func (f *Files) Shutdown(ctx context.Context) error {
	f.stop()
	ended := make(chan struct{})
	go func() {
		f.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return errors.Join(ctx.Err(), f.Close())
}

// Close ends all downloads, and waits for them.
func (f *Files) Close() error {
	defer f.media.Unregister(f)
	f.stop()
	f.die()
	f.running.Wait()
	f.permits.close()
	return nil
}

func (f *Files) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closing = true
}

// enter counts a request, unless the server ends.
func (f *Files) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return false
	}
	f.running.Add()
	return true
}

const filesAllowed = "GET, HEAD, OPTIONS"

// ServeHTTP serves a file or a folder to GET, its headers to HEAD and permissions to OPTIONS.
func (f *Files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !f.enter() {
		http.Error(w, "the server ends", http.StatusServiceUnavailable)
		return
	}
	defer f.running.Done()
	defer f.recover(r)
	bound(w, r)
	cfg := f.cfg.Load()
	cfg.web.setCORS(w.Header(), r)
	switch {
	case len(r.URL.RawQuery) > maxQuery:
		http.Error(w, "the query is too long", http.StatusRequestURITooLong)
	case r.Method == http.MethodOptions:
		w.Header().Del("Vary")
		cfg.web.setAllowed(w.Header(), r, filesAllowed)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", filesAllowed)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case isUpgrade(r): // which is for streams
		cfg.notFound(w, r)
	default:
		f.serve(w, r, cfg)
	}
}

// recover keeps a panic from ending more than its request.
func (f *Files) recover(r *http.Request) {
	if v := recover(); v != nil {
		f.ends.Log(f.log.With("peer", r.RemoteAddr), acceptor.End{Err: &acceptor.PanicError{Value: v, Stack: debug.Stack()}})
	}
}

// request is one for a file.
type request struct {
	*http.Request
	files *Files
	cfg   *filesSettings
	entry *media.Session
	vhost string
	at    location
}

// serve serves a file or a folder to who may have it.
func (f *Files) serve(w http.ResponseWriter, r *http.Request, cfg *filesSettings) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(f.life, cancel)() //nolint:contextcheck // a second reason to end
	q := &request{Request: r, files: f, cfg: cfg, vhost: cfg.web.vhost(r)}
	protocol := "http"
	if r.TLS != nil {
		protocol = "https"
	}
	q.entry = f.media.NewSession(hook.Session{
		Protocol: protocol, Remote: cfg.web.remote(r), Local: localOf(r), Params: r.URL.RawQuery,
	}, func(error) { cancel() })
	defer q.entry.Close()
	q.at = cfg.find(r.URL.Path, q.vhost)
	unbound(w) // hooks have time-outs of their own
	err := q.access(ctx, w.Header())
	bound(w, r)
	if err != nil {
		q.refuse(w, err)
		return
	}
	if r.ProtoMajor == 1 {
		f.media.Settle(forwarded.Ends(r))
	}
	out := docroot.NewWriter(w, q.entry.Sent)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		out.Stop()
	})
	err = q.send(out)
	if !stop() {
		<-stopped // it must not outlive the request
	}
	if err != nil {
		q.fail(w, err)
	}
}

// send sends what was asked for.
func (q *request) send(w *docroot.Writer) error {
	if made := q.cfg.Made; made != nil && q.at.asked(q.URL.Path) && made.Serves(q.Request, q.vhost) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		made.ServeVHost(w, q.ofClient(), q.vhost)
		return nil
	}
	if q.at.dir == "" {
		return fs.ErrNotExist
	}
	folder, err := docroot.OpenFolder(q.at.dir)
	if err != nil {
		return err
	}
	defer folder.Close()
	head := w.Header()
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-cache")
	if q.at.isDir {
		if !q.cfg.ListFolders {
			return fs.ErrNotExist
		}
		return q.list(w, folder)
	}
	if strings.HasSuffix(q.at.path, "/") {
		return fs.ErrNotExist
	}
	file, info, err := folder.Open(q.at.name)
	if err != nil {
		return err
	}
	defer file.Close()
	if q.cfg.noStore(q.at.name) {
		head.Set("Cache-Control", "no-store")
	}
	head.Set("Content-Type", docroot.ContentType(q.at.name)+"; charset="+q.cfg.CharSet)
	docroot.Send(w, q.Request, file, info)
	return nil
}

// ofClient returns the request with the address of the client, where a proxy has sent it.
func (q *request) ofClient() *http.Request {
	client := q.entry.Info().Remote
	if client.Addr() == forwarded.Peer(q.Request).Addr() {
		return q.Request
	}
	r := *q.Request
	r.RemoteAddr = client.String()
	return &r
}

// fail answers what could not be sent.
func (q *request) fail(w http.ResponseWriter, err error) {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		q.files.ends.Log(q.logger(), acceptor.End{Err: fmt.Errorf("file %s: %w", q.at.path, err)})
		http.Error(w, "too many files are open", http.StatusServiceUnavailable)
		return
	}
	q.cfg.notFound(w, q.Request)
}

func (q *request) logger() *slog.Logger {
	info := q.entry.Info()
	return q.files.log.With("session", info.ID, "proto", info.Protocol, "peer", info.Remote.String())
}

// notFound says that there is no such file.
func (c *filesSettings) notFound(w http.ResponseWriter, r *http.Request) {
	page := cmp.Or(c.NotFoundPage, notFoundPage(r.URL.Path))
	w.Header().Set("Content-Type", "text/html; charset="+c.CharSet)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, page) // the client may have left
}
