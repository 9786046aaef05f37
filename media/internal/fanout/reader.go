package fanout

import (
	"context"
	"errors"
	"io"
	"sync"
)

// ErrClosed is what Read answers after Close.
var ErrClosed = errors.New("fanout: reader closed")

// Reader is a cursor that waits. It is not safe for concurrent use, but for Close.
type Reader[T any] struct {
	// Gate, if it is not nil, tells the writer of the log how far the reader has come. It is set before the first Read.
	Gate *Gate

	cursor Cursor[T]
	member Member
	ready  chan struct{}
	ended  <-chan struct{}
	closed chan struct{}
	once   sync.Once
}

// NewReader returns a reader that begins at the cursor that from makes. ended is closed some time after the log: an engine
// that has been closed wakes nobody.
func NewReader[T any](from func() Cursor[T], g *Group, ended <-chan struct{}) *Reader[T] {
	r := &Reader[T]{ready: make(chan struct{}, 1), ended: ended, closed: make(chan struct{})}
	g.Add(&r.member, r)
	r.cursor = from()
	r.member.next.Store(r.cursor.next)
	r.Pump(nil)
	return r
}

// Pump implements [Target].
func (r *Reader[T]) Pump(*Scratch) {
	select {
	case r.ready <- struct{}{}:
	default:
	}
}

// Read waits for at least one item and fills dst with what is there. jumped says that dst[0] does not follow
// the item before: it is the first, or items were skipped; if they are skipped later in dst, Read ends there.
// It returns io.EOF at the end of the log, and ErrClosed once the reader is closed.
func (r *Reader[T]) Read(ctx context.Context, dst []T) (n int, jumped bool, err error) {
	if len(dst) == 0 {
		return 0, false, nil
	}
	for {
		if r.isClosed() {
			return 0, false, ErrClosed
		}
		if n, jumped = r.fill(dst); n > 0 {
			return n, jumped, nil
		}
		if r.cursor.ended() {
			return 0, false, io.EOF
		}
		select {
		case <-r.ready:
		case <-r.ended: // and so has the log
		case <-r.closed:
		case <-ctx.Done():
			return 0, false, ctx.Err()
		}
	}
}

func (r *Reader[T]) fill(dst []T) (n int, jumped bool) {
	r.cursor.enter(r.Gate)
	defer func() {
		r.cursor.leave(r.Gate)
		r.member.next.Store(r.cursor.next)
	}()
	for n < len(dst) {
		e, jump := r.cursor.peek()
		if e == nil || jump && n > 0 {
			break
		}
		jumped = jumped || jump
		dst[n] = e.value
		r.cursor.take()
		n++
	}
	return n, jumped
}

// Hold does nothing: who reads stands still by itself.
func (*Reader[T]) Hold(bool) {}

// Skipped returns how many items were lost to the reader.
func (r *Reader[T]) Skipped() uint64 { return r.cursor.skipped }

// Close takes the reader out of its group and ends a Read that waits. It may be called from any goroutine, more than
// once.
func (r *Reader[T]) Close() {
	r.once.Do(func() {
		r.member.Leave()
		close(r.closed)
	})
}

func (r *Reader[T]) isClosed() bool {
	select {
	case <-r.closed:
		return true
	default:
		return false
	}
}
