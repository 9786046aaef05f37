package web

import (
	"context"
	"errors"
	"io"
	"net/http"

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
	player, err := h.playReply(ctx, w, r, t, entry, &stop)
	switch {
	case errors.Is(err, errTaken):
		return
	case err != nil:
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

// errTaken says that the connection is no longer the http.Server's.
var errTaken = errors.New("web: taken over")

// playReply asks for the stream of a reply. Whoever has to wait for it does so on a connection that has been taken over.
func (h *Handler) playReply(
	ctx context.Context, w http.ResponseWriter, r *http.Request, t target, entry *media.Session, stop *stopper,
) (*media.Player, error) {
	if r.ProtoMajor != 1 {
		return h.play(ctx, entry, t, patiently)
	}
	player, err := h.play(ctx, entry, t, atOnce)
	if !errors.Is(err, media.ErrStreamNotFound) {
		return player, err
	}
	if h.takeWaiter(w, r, t, entry, stop) {
		return nil, errTaken
	}
	return h.play(ctx, entry, t, admitted)
}

// takeReply takes the connection over and lets the fan-out engine write the reply. It reports whether it
// could. The goroutine that watches the client is a new one, so that what the http.Server holds can go.
func (h *Handler) takeReply(w http.ResponseWriter, r *http.Request, t target, entry *media.Session, player *media.Player, stop *stopper) bool {
	head := w.Header().Clone()
	h.setHeaders(head, r, t)
	x, err := h.takeOver(w)
	switch {
	case errors.Is(err, http.ErrNotSupported):
		return false
	case err != nil:
		player.Close(err)
		entry.Close()
		return true
	}
	x.entry, x.ahead = entry, nil // what the client has said means nothing
	if err = x.feedReply(player, t, head, stop); err != nil {
		x.sayUnavailable()
		x.end(err)
		return true
	}
	h.idle.Await(x.conn, (*listener)(x))
	return true
}

// feedReply lets the fan-out engine write a reply that ends with the connection.
func (x *session) feedReply(player *media.Player, t target, head http.Header, stop *stopper) (err error) {
	conn := x.conn
	x.player = player
	x.handler.media.Settle(conn.LocalAddr(), conn.RemoteAddr()) // before the client hears that it plays
	stop.use(func() { conn.Close() })
	x.feed, err = player.Feed(conn, t.form.reply, media.FeedOptions{
		Prelude: appendHead(nil, http.StatusOK, "keep-alive", head),
		OnEnd:   func(error) { conn.Close() },
	})
	return err
}

// listener is a session whose client has nothing to say.
type listener session

// Wake implements [idle.Sleeper]. What the client says means nothing, but it may be gone.
func (l *listener) Wake() {
	x := (*session)(l)
	if err := x.ignore(); err != nil {
		x.end(err)
		return
	}
	x.handler.idle.Await(x.conn, l)
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
