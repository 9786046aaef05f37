package web

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/http1"
	"github.com/sluice-media/sluice/internal/idle"
)

// requester is a connection on which a viewer by HLS asks for one piece after the other, taken over from the http.Server: in its
// hands each request costs as much as writing a segment of 500 KB does. The server's own handler answers here too, so that
// whatever the host has put around this one sees every request. All that is not for HLS goes back to the http.Server.
type requester struct {
	*session
	server *http.Server
	shared context.Context // of all requests
	remote string
	rest   time.Duration // for how long nothing need be asked
	buf    []byte        // for what is read, while a goroutine waits
}

// keep takes over the connection of one who may watch by HLS. It returns what is to be written to, and is to be called when that is
// done; if the connection cannot be taken over, that is w. If it is lost, keep returns nil.
func (h *Handler) keep(w http.ResponseWriter, r *http.Request) (to http.ResponseWriter, done func()) {
	ctx := r.Context()
	server, _ := ctx.Value(http.ServerContextKey).(*http.Server)
	if server == nil || ctx.Value(keptKey{}) != nil || !http1.Follows(r) {
		return w, func() {}
	}
	head := w.Header().Clone()
	x, err := h.takeOver(w)
	switch {
	case errors.Is(err, http.ErrNotSupported):
		return w, func() {}
	case err != nil:
		return nil, nil
	}
	q := &requester{
		session: x, server: server, remote: r.RemoteAddr, rest: restOf(server), shared: lasting{h.life, ctx},
	}
	h.mu.Lock()
	x.asks = true
	h.mu.Unlock()
	reply := q.writer(r, head)
	return reply, func() {
		if !reply.Finish() {
			q.end(nil)
			return
		}
		go q.Wake()
	}
}

// restOf returns for how long a connection may be kept on which nothing is asked, by the limits of its server.
func restOf(s *http.Server) time.Duration {
	switch {
	case s.IdleTimeout > 0:
		return s.IdleTimeout
	case s.ReadTimeout > 0:
		return s.ReadTimeout
	}
	return viewerTime
}

// lasting is a context that ends with the handler and has the values of a request that is over.
type lasting struct {
	context.Context
	values context.Context
}

// keptKey is for what says that the connection of a request has been taken over.
type keptKey struct{}

// Value implements [context.Context].
func (c lasting) Value(key any) any {
	if key == (keptKey{}) {
		return true
	}
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
}

func (q *requester) writer(r *http.Request, head http.Header) *http1.Writer {
	return http1.NewWriter(q.conn, connlimit.Socket(q.conn), r, head)
}

var _ idle.Sleeper = (*requester)(nil)

// await waits for the next request.
func (q *requester) await() {
	_ = q.conn.SetReadDeadline(time.Now().Add(q.rest - lull)) // if it is closed, Wake finds that out
	if q.handler.isClosing() {
		q.end(nil)
		return
	}
	q.handler.idle.Await(q.conn, q)
}

// lull is for how long nothing is asked before the goroutine that waits is worth less than what it takes to begin another.
const lull = 10 * time.Second

// Wake implements [idle.Sleeper]: there is a request. Others follow soon.
func (q *requester) Wake() {
	for q.answer() {
	}
}

// answer reads a request and answers it. It reports whether it is to be called again; if not, the connection is awaited, another's
// or closed.
func (q *requester) answer() (again bool) {
	_ = q.conn.SetReadDeadline(time.Now().Add(min(lull, q.rest))) // if it is closed, the reading fails
	if q.handler.isClosing() {
		q.end(nil)
		return false
	}
	read, err := http1.ReadHead(q.conn, append(q.buf[:0], q.ahead...))
	switch {
	case len(read) == 0 && errors.Is(err, os.ErrDeadlineExceeded) && q.rest > lull:
		q.buf = nil
		q.await()
		return false
	case err != nil && !errors.Is(err, http1.ErrTooLong):
		q.end(nil) // that it ends says nothing of the viewer
		return false
	}
	n := http1.HeadLen(read)
	r, simple := http1.Parse(read[:n])
	if !simple || !q.handler.isForHLS(r.URL.Path) {
		q.giveBack(read)
		return false
	}
	q.ahead, q.buf = append([]byte(nil), read[n:]...), read
	r.RemoteAddr = q.remote
	if !q.serve(r.WithContext(q.shared)) {
		q.end(nil)
		return false
	}
	return true
}

// serve lets the server's handler answer a request, and reports whether there may be another.
func (q *requester) serve(r *http.Request) (more bool) {
	handler := q.server.Handler
	if handler == nil {
		handler = http.DefaultServeMux
	}
	w := q.writer(r, nil)
	err := acceptor.Guard(func() error {
		handler.ServeHTTP(w, r)
		return nil
	})
	if err != nil {
		var p *acceptor.PanicError
		if !errors.As(err, &p) || p.Value != error(http.ErrAbortHandler) { //nolint:errorlint // as net/http compares
			q.handler.ends.Log(q.handler.log.With("peer", q.remote), acceptor.End{Err: err})
		}
		return false
	}
	return w.Finish()
}

// giveBack gives the connection back to the http.Server, with what has been read.
func (q *requester) giveBack(read []byte) {
	conn := q.conn
	_ = conn.SetDeadline(time.Time{}) // if it is closed, the server finds that out
	if c, ok := conn.(*idle.Conn); ok {
		conn = c.Release()
	}
	q.leave()
	http1.GiveBack(q.server, conn, read)
}
