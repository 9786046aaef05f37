package api

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/throttle"
	"github.com/sluice-media/sluice/media"
)

// Handler serves the API of a media server. It holds no goroutine and needs no closing.
type Handler struct {
	media   *media.Server
	log     *slog.Logger
	opts    atomic.Pointer[Options]
	logins  *logins
	wrong   throttle.Throttle // of the log line of wrong secrets
	outside throttle.Throttle // of that of callers from addresses that may not call
	panics  throttle.Throttle // of that of panics
	denied  throttle.Throttle // of that of downloads that a hook refuses
	table   *table
	routes  map[string]*route      // by path in lower case
	schema  atomic.Pointer[[]byte] // the OpenAPI description
}

var _ http.Handler = (*Handler)(nil)

// route is an endpoint with what serves it; nil for what this library does not have.
type route struct {
	*endpoint
	serve serveFunc
}

// call is one request to an endpoint.
type call struct {
	*route
	request *http.Request
	writer  http.ResponseWriter
	args    arguments
	written bool // the endpoint has answered by itself
	asking  bool // hooks decide whether it may be made
}

// NewHandler returns a handler that controls m. It serves the paths /index/, /index/api/* and
// /index/api/openapi.json, in any case of letters; mount it with [http.StripPrefix] to have them elsewhere. It fails on
// invalid options.
func NewHandler(m *media.Server, o Options) (*Handler, error) {
	t, err := readTable()
	if err != nil {
		return nil, err
	}
	h := &Handler{media: m, log: m.Logger(), logins: newLogins(), table: t, routes: map[string]*route{}}
	serve := h.endpoints()
	for i := range t.Endpoints {
		e := &t.Endpoints[i]
		for _, path := range e.paths() {
			h.routes[strings.ToLower(path)] = &route{e, serve[e.Name]}
		}
	}
	return h, h.SetOptions(o)
}

// SetOptions replaces the options, from the next call on.
func (h *Handler) SetOptions(o Options) error {
	if err := o.check(); err != nil {
		return err
	}
	schema, err := h.table.openAPI(&o)
	if err != nil {
		return err
	}
	h.opts.Store(&o)
	h.schema.Store(&schema)
	return nil
}

func (h *Handler) options() *Options { return h.opts.Load() }

// Routes yields the paths that are served, each with its handler, for routers that want them one by one.
func (h *Handler) Routes() iter.Seq2[string, http.Handler] {
	return func(yield func(string, http.Handler) bool) {
		for _, path := range append(h.paths(), prefix+"openapi.json") {
			if !yield(path, h) {
				return
			}
		}
	}
}

// paths lists the endpoints, in the order of the alphabet whatever the case.
func (h *Handler) paths() []string {
	var all []string
	for _, r := range h.table.Endpoints {
		for _, path := range r.paths() {
			if !slices.ContainsFunc(all, func(p string) bool { return strings.EqualFold(p, path) }) {
				all = append(all, path)
			}
		}
	}
	slices.SortFunc(all, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return all
}

const allowed = "GET, POST, PUT, HEAD, OPTIONS, DELETE"

// ServeHTTP answers a call. What is no endpoint goes to Options.NotFound, if it is a GET.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.ToLower(r.URL.Path)
	rt := h.routes[path]
	switch {
	case path == prefix+"openapi.json":
		h.serveOpenAPI(w, r)
		return
	case rt == nil && strings.HasPrefix(path, prefix) && r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.WriteHeader(http.StatusNotFound)
		return
	case rt == nil:
		h.notFound(w, r)
		return
	}
	h.setCORS(w.Header(), r)
	switch r.Method {
	case http.MethodGet, http.MethodPost, http.MethodPut, http.MethodDelete:
		h.serve(w, r, rt)
	case http.MethodHead:
	case http.MethodOptions:
		h.allow(w.Header())
	default:
		w.Header().Set("Allow", allowed)
		w.Header().Set("Connection", "close")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func (h *Handler) notFound(w http.ResponseWriter, r *http.Request) {
	if next := h.options().NotFound; next != nil {
		next.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// setCORS lets pages of any origin read the reply, and only our own use the login.
func (h *Handler) setCORS(head http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	if origin == "" || h.options().NoCORS {
		return
	}
	head.Add("Vary", "Origin")
	if !h.options().sameOrigin(r, origin) {
		head.Set("Access-Control-Allow-Origin", "*")
		return
	}
	head.Set("Access-Control-Allow-Origin", origin)
	head.Set("Access-Control-Allow-Credentials", "true")
}

// allow answers a browser that asks before it calls.
func (h *Handler) allow(head http.Header) {
	head.Set("Allow", allowed)
	head.Set("Connection", "close")
	if h.options().NoCORS {
		return
	}
	head.Set("Access-Control-Allow-Origin", "*")
	head.Set("Access-Control-Allow-Headers", "*")
	head.Set("Access-Control-Allow-Methods", allowed)
	head.Set("Access-Control-Allow-Credentials", "true")
	head.Set("Access-Control-Request-Headers", "Accept,Accept-Language,Content-Language,Content-Type")
	head.Set("Access-Control-Request-Methods", "GET, POST, PUT, OPTIONS, DELETE")
}

// serve reads a call, carries it out and answers.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, rt *route) {
	begun := time.Now()
	c := &call{route: rt, request: r, writer: w, args: parseArguments(r, nil, false)}
	body, err := h.readBody(c)
	if err != nil {
		refuseBody(w, err)
		return
	}
	c.args = parseArguments(r, body, rt.nested())
	out, err := h.guard(c)
	if err != nil {
		out = failure(h.options().legacy(err))
	}
	if _, ok := out["code"]; !ok {
		out["code"] = codeSuccess
	}
	if h.options().Debug {
		h.log.Debug("api call", "endpoint", rt.Name, "peer", r.RemoteAddr, "code", out["code"], "took", time.Since(begun))
	}
	if !c.written {
		h.write(w, r, out)
	}
}

// guard carries out a call; a panic becomes an error of code -400.
func (h *Handler) guard(c *call) (out reply, err error) {
	defer func() {
		if v := recover(); v != nil {
			if n, ok := h.panics.Ready(); ok {
				h.log.Error("api call panicked", "endpoint", c.Name, "panic", v, "stack", string(debug.Stack()), "number", n)
			}
			err = &Error{Code: codeException, Msg: fmt.Sprintf("%s failed unexpectedly", c.Name)}
		}
	}()
	if c.asking = h.asks(c); !c.asking {
		if err := h.authorize(c); err != nil {
			return nil, err
		}
	}
	if c.endpoint.Auth != "none" && !c.asking {
		h.media.Settle(forwarded.Ends(c.request))
	}
	if c.jsonOnly() && !strings.Contains(c.request.Header.Get("Content-Type"), "application/json") {
		return nil, BadArgument("the request must be application/json")
	}
	if msg := c.missing(c.args); msg != "" {
		return nil, BadArgument(msg)
	}
	if c.serve == nil {
		return nil, c.errNotEnabled()
	}
	out, err = c.serve(c)
	if out == nil {
		out = reply{}
	}
	return out, err
}

// legacy gives what is not found the code it once had, if the options say so.
func (o *Options) legacy(err error) error {
	if e, ok := errors.AsType[*Error](err); ok && o.Legacy && e.Code == codeNotFound {
		return &Error{Code: codeFailed, Msg: e.Msg, extra: e.extra}
	}
	return err
}
