package media

import (
	"context"
	"io"
	"sync"
	"time"
)

// Share returns what the users of a stream share under key: the segments of HLS, the group of a multicast. The first
// user opens it, on a goroutine of the server's; others wait for that and get the same. Each calls release when done,
// once or more. When nobody has used it for linger it is closed, and the next user opens it anew; when the stream ends
// it is closed at once, whoever uses it. An open that fails has failed for all who waited for it. Its ctx ends with the
// stream. key is compared with ==, and best is of a type of one's own. The error is that of open, ErrStreamNotFound if
// the stream has ended, ErrServerClosed, or that of ctx.
func Share[T io.Closer](ctx context.Context, st *Stream, key any, linger time.Duration, open func(ctx context.Context) (T, error)) (v T, release func(), err error) {
	e, err := st.enterShare(key, linger, func(ctx context.Context) (io.Closer, error) { return open(ctx) })
	if err != nil {
		return v, nil, err
	}
	release = sync.OnceFunc(func() { st.leaveShare(e) })
	select {
	case <-e.opened:
		err = e.err
	case <-st.life.Done(): // open may not heed its context
		err = ErrStreamNotFound
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		release()
		return v, nil, err
	}
	v, _ = e.value.(T) // as it was opened
	return v, release, nil
}

// share is a value that users of a stream have in common.
type share struct {
	key    any
	linger time.Duration
	opened chan struct{} // closed when value or err is set
	value  io.Closer
	err    error
	over   chan struct{} // closed when nobody has used it for long enough

	users int         // guarded by the stream's sharesMu, as is idle
	idle  *time.Timer // runs while there are none
}

// enterShare returns what is shared under key, with one more user, and begins to open it if there is nothing.
func (st *Stream) enterShare(key any, linger time.Duration, open func(context.Context) (io.Closer, error)) (*share, error) {
	st.sharesMu.Lock()
	defer st.sharesMu.Unlock()
	e := st.shares[key]
	if e != nil {
		e.users++
		if e.idle != nil {
			e.idle.Stop()
		}
		return e, nil
	}
	if st.life.Err() != nil {
		return nil, ErrStreamNotFound
	}
	e = &share{key: key, linger: linger, opened: make(chan struct{}), over: make(chan struct{}), users: 1}
	if !st.server.spawn(func() { st.serveShare(e, open) }) {
		return nil, ErrServerClosed
	}
	if st.shares == nil {
		st.shares = map[any]*share{}
	}
	st.shares[key] = e
	return e, nil
}

// serveShare opens what is shared and closes it when it is over.
func (st *Stream) serveShare(e *share, open func(context.Context) (io.Closer, error)) {
	e.err = guard("what is shared", func() (err error) {
		e.value, err = open(st.life)
		return err
	})
	if e.err != nil {
		st.dropShare(e) // before its users are told: one that tries again opens it anew
		close(e.opened)
		return
	}
	close(e.opened)
	select {
	case <-e.over:
	case <-st.life.Done():
		st.dropShare(e)
	}
	if err := guard("what is shared", e.value.Close); err != nil {
		st.server.log.Warn("what is shared failed to close", "stream", st.key.String(), "err", err)
	}
}

// leaveShare counts a user out, and begins the time in which another may come.
func (st *Stream) leaveShare(e *share) {
	st.sharesMu.Lock()
	defer st.sharesMu.Unlock()
	e.users--
	switch {
	case e.users > 0:
	case e.idle == nil:
		e.idle = time.AfterFunc(e.linger, func() { st.expireShare(e) })
	default:
		e.idle.Reset(e.linger)
	}
}

// expireShare ends what nobody has used for long enough.
func (st *Stream) expireShare(e *share) {
	st.sharesMu.Lock()
	defer st.sharesMu.Unlock()
	if e.users == 0 && st.shares[e.key] == e {
		delete(st.shares, e.key)
		close(e.over)
	}
}

// dropShare takes e out of the table: who comes next does not find it.
func (st *Stream) dropShare(e *share) {
	st.sharesMu.Lock()
	defer st.sharesMu.Unlock()
	if st.shares[e.key] == e {
		delete(st.shares, e.key)
	}
}
