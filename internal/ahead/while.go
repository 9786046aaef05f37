package ahead

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
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
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for {
			err := r.await()
			if errors.Is(err, io.ErrShortBuffer) {
				return
			}
			if err != nil {
				cancel()
				return
			}
		}
	}()
	err := fn(ctx)
	_ = conn.SetReadDeadline(time.Unix(1, 0)) // ends the watch
	<-watched
	return errors.Join(err, conn.SetReadDeadline(time.Time{}))
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
