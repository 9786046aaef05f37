package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/media"
)

// serveReply plays a stream as the body of a reply.
func (h *Handler) serveReply(w http.ResponseWriter, r *http.Request, t target) {
	unbound(w)
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var stop stopper
	stop.use(cancel)
	entry := h.newSession(r, t, "http", stop.kick)
	player, err := h.play(ctx, entry, t)
	if err != nil {
		h.refuse(w, r, t, entry, err)
		entry.Close()
		return
	}
	if r.ProtoMajor == 1 {
		if h.takeReply(w, r, t, entry, player, &stop) {
			return
		}
	}
	if err = h.writeReply(ctx, w, r, t, player); errors.Is(err, media.ErrServerClosed) {
		h.refuse(w, r, t, entry, err)
	} else {
		h.logEnd(entry, player, err)
	}
	player.Close(err)
	entry.Close()
}

// refuse answers a request that is not to play.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, t target, entry *media.Session, err error) {
	bound(w, r)
	h.logRefusal(t, entry, err)
	h.setCORS(w.Header(), r)
	status, text := refusal(err)
	if status == http.StatusNotFound {
		notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // the client may have left
}

// takeReply takes the connection over and lets the fan-out engine write the reply. It reports whether it
// could. The goroutine that watches the client is a new one, so that what the http.Server holds can go.
func (h *Handler) takeReply(w http.ResponseWriter, r *http.Request, t target, entry *media.Session, player *media.Player, stop *stopper) bool {
	head := h.replyHead(w, r, t)
	x, err := h.takeOver(w)
	switch {
	case errors.Is(err, http.ErrNotSupported):
		return false
	case err != nil:
		player.Close(err)
		entry.Close()
		return true
	}
	x.entry, x.player = entry, player
	conn := x.conn
	h.media.Settle(conn.LocalAddr(), conn.RemoteAddr()) // before the client hears that it plays
	stop.use(func() { conn.Close() })
	x.feed, err = player.Feed(x.conn, t.form.reply, media.FeedOptions{Prelude: head, OnEnd: func(error) { conn.Close() }})
	if err != nil {
		x.sayUnavailable()
		x.end(err)
		return true
	}
	x.ahead = nil // what the client has said means nothing
	h.idle.Await(conn, (*listener)(x))
	return true
}

// listener is a session whose client has nothing to say.
type listener session

// Wake implements [idle.Sleeper]. What the client says means nothing, but it may be gone.
func (l *listener) Wake() {
	x := (*session)(l)
	if _, err := x.Read(make([]byte, 64)); err != nil {
		x.end(err)
		return
	}
	x.handler.idle.Await(x.conn, l)
}

// replyHead returns the head of a reply that ends with the connection.
func (h *Handler) replyHead(w http.ResponseWriter, r *http.Request, t target) []byte {
	head := w.Header().Clone()
	h.setHeaders(head, r, t)
	var buf headBuffer
	buf.b = append(buf.b, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nDate: "...)
	buf.b = time.Now().UTC().AppendFormat(buf.b, http.TimeFormat)
	buf.b = append(buf.b, "\r\n"...)
	_ = head.Write(&buf) // it cannot fail
	return append(buf.b, "\r\n"...)
}

// writeReply lets the fan-out engine write the reply through the ResponseWriter.
func (h *Handler) writeReply(ctx context.Context, w http.ResponseWriter, r *http.Request, t target, player *media.Player) error {
	h.setHeaders(w.Header(), r, t)
	h.media.Settle(forwarded.Ends(r))
	conn := newWriterConn(w, r)
	ended := make(chan error, 1)
	feed, err := player.Feed(conn, t.form.reply, media.FeedOptions{OnEnd: func(err error) {
		conn.finish()
		ended <- err
	}})
	if err != nil {
		return err
	}
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = ctx.Err()
	}
	feed.Close() // nothing may be written when the request is over
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
