package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// waiter is a session that waits for its stream on a connection that has been taken over. In the hands of an http.Server it
// would take three times the memory: two goroutines with the stacks of a whole request, and the buffers of both directions.
type waiter struct {
	*session
	target target
	path   string      // that the client has asked for
	head   http.Header // of the reply
	stop   *stopper
	asked  chan struct{}      // closed when nobody asks for the stream any more
	cancel context.CancelFunc // ends the asking
}

// takeWaiter takes the connection of a client over that may play, and waits for the stream there. It reports whether it
// could.
func (h *Handler) takeWaiter(w http.ResponseWriter, r *http.Request, t target, entry *media.Session, stop *stopper) bool {
	head := w.Header().Clone()
	h.setCORS(head, r)
	x, err := h.takeOver(w)
	switch {
	case errors.Is(err, http.ErrNotSupported):
		return false
	case err != nil:
		entry.Close()
		return true
	}
	x.entry, x.ahead = entry, nil                                         // what the client has said means nothing
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // the session outlives the request
	stopped := context.AfterFunc(h.life, cancel)                          //nolint:contextcheck // the handler ends both
	a := &waiter{
		session: x, target: t, path: r.URL.Path, head: head, stop: stop, asked: make(chan struct{}),
		cancel: func() { stopped(); cancel() },
	}
	stop.use(cancel)
	go func() {
		defer close(a.asked)
		defer a.cancel()
		if err := acceptor.Guard(func() error { return a.ask(ctx) }); err != nil {
			a.logEnd(err)
			a.conn.Close()
		}
	}()
	h.idle.Await(x.conn, a)
	return true
}

// ask waits for the stream and begins to feed it, or says why not. It returns an error if the client cannot be told.
func (a *waiter) ask(ctx context.Context) error {
	player, err := a.handler.play(ctx, a.entry, a.target, admitted)
	if err != nil {
		return a.refuse(err)
	}
	a.target.form.setHeaders(a.head)
	if err = a.feedReply(player, a.target, a.head, a.stop); err != nil {
		a.sayUnavailable()
	}
	return err
}

// refuse tells the client why it may not play. It then closes the connection, or runs out of time.
func (a *waiter) refuse(err error) error {
	a.handler.logRefusal(a.target, a.entry, err)
	a.told = true
	if err := a.write(a.handler.config().appendRefusal(nil, a.head, a.path, err)); err != nil {
		return err
	}
	if !acceptor.HangUp(a.conn) {
		return a.conn.SetReadDeadline(time.Now().Add(closeWait))
	}
	return nil
}

// Wake implements [idle.Sleeper]. What the client says means nothing, but it may be gone.
func (a *waiter) Wake() {
	if err := a.ignore(); err != nil {
		a.cancel()
		<-a.asked
		a.end(err)
		return
	}
	a.handler.idle.Await(a.conn, a)
}
