package s3

import (
	"context"
	"io"
	"time"
)

// watchdog ends a delivery in which nothing moves.
type watchdog struct {
	timer  *time.Timer
	after  time.Duration
	cancel context.CancelCauseFunc
}

// watch returns a context that ends with [ErrStalled] unless the watchdog is patted again and again.
func watch(ctx context.Context, after time.Duration) (context.Context, *watchdog) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watchdog{timer: time.AfterFunc(after, func() { cancel(ErrStalled) }), after: after, cancel: cancel}
}

func (d *watchdog) pat() { d.timer.Reset(d.after) }

func (d *watchdog) stop() {
	d.timer.Stop()
	d.cancel(nil)
}

// reader reads until ctx ends, and pats the watchdog. It cannot seek, so that nobody reads it a second time while a connection that has
// failed may read it still.
type reader struct {
	ctx  context.Context
	from io.Reader
	dog  *watchdog
}

func (r *reader) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	r.dog.pat()
	return r.from.Read(b)
}
