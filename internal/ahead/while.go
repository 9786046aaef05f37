package ahead

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/sluice-media/sluice/internal/idle"
)

// While calls fn with a context that ends when the peer of conn, which the reader reads, goes away. The time
// that fn takes is not the peer's: there is no read deadline meanwhile, nor afterwards. The caller sets the next one, for
// a peer that has none may be silent for ever.
func (r *Reader) While(conn net.Conn, fn func(context.Context) error) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	w := &watch{reader: r, gone: cancel, over: make(chan struct{})}
	w.begin(conn)
	err := fn(ctx)
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // ends the watch
	<-w.over
	return errors.Join(err, conn.SetReadDeadline(time.Time{}))
}

// watch is what notices that the peer goes away.
type watch struct {
	reader *Reader
	gone   context.CancelFunc
	over   chan struct{} // closed when it has ended
}

// begin begins the watch: without a goroutine where the connection can be waited for without, until something comes. Peers that wait are
// many, and what the runtime has for a goroutine it never gives back.
func (w *watch) begin(conn net.Conn) {
	if c, ok := conn.(*idle.Conn); ok && !w.reader.src.holds() && len(w.reader.src.ahead) == 0 {
		c.Await(w)
		return
	}
	go w.Wake()
}

// Wake implements [idle.Sleeper].
func (w *watch) Wake() {
	defer close(w.over)
	for {
		err := w.reader.await()
		if errors.Is(err, io.ErrShortBuffer) {
			return
		}
		if err != nil {
			w.gone()
			return
		}
	}
}

// await waits until more has arrived than was read ahead. It returns io.ErrShortBuffer when no more can be
// read ahead.
func (r *Reader) await() error {
	n := r.Buffered() + 1
	if n > r.Size() {
		return io.ErrShortBuffer
	}
	_, err := r.Peek(n)
	return err
}
