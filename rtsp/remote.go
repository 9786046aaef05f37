package rtsp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrNotPlaying is what a [Control] answers while no pull plays that it was given to.
var ErrNotPlaying = errors.New("rtsp: no pull plays")

// fastest is the highest speed, and its inverse the lowest, that a server is asked for.
const fastest = 32

// Control controls what a [Pull] plays, for servers that have recordings, such as network video recorders. Its zero value is ready. The pull
// gets it with its ClientConfig, and is controlled by it while it plays; it is for one pull at a time.
//
// Whoever watches the stream stays. Its stamps go on at the pace of who watches: what is played next follows what was played before as if it
// had been filmed right after that, and at twice the speed pictures are half as far apart.
//
// Another pull of the same URL goes on at the place that the one before it had reached, if the server has told how long the recording is, or Seek
// was used; unless that was the end.
//
// Its methods may be called from any goroutine. One is carried out after the other, and to its end even if ctx ends before. They return
// ErrNotPlaying, also when the pull ends meanwhile, a *[StatusError] when the server refuses, or what ended ctx. A pull whose server refuses
// goes on as it was.
type Control struct {
	mu   sync.Mutex
	pull *pull         // nil while none plays
	url  string        // of the pull before
	at   time.Duration // where another one of it goes on
}

// Pause stops the media (RFC 2326, 10.6). The pull then waits for as long as it takes, without regard to IdleTimeout, and tells the server that
// it lives. SetSpeed and Seek go on.
func (c *Control) Pause(ctx context.Context) error {
	return c.order(ctx, func(ctx context.Context, f *film) error { return f.pause(ctx) })
}

// Paused reports whether a pull is paused at present.
func (c *Control) Paused() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pull != nil && c.pull.paused.Load()
}

// Seek goes on at a time since the beginning of the recording (RFC 2326, 10.5), at the speed there was, also after a Pause. A server that tells
// when a recording was made, by a Range of clock times (3.7), is asked for the time by that clock.
func (c *Control) Seek(ctx context.Context, at time.Duration) error {
	return c.order(ctx, func(ctx context.Context, f *film) error { return f.seek(ctx, max(at, 0)) })
}

// SetSpeed plays factor times as fast, from 1/32 to 32, also after a Pause: by the header Scale (RFC 2326, 12.34), or by Speed (12.35) if the
// server obeys that only. A server may have chosen another speed, and need not have said so.
func (c *Control) SetSpeed(ctx context.Context, factor float64) error {
	if !isSpeed(factor) {
		return fmt.Errorf("rtsp: a speed of %v is not within 1/%d and %d", factor, fastest, fastest)
	}
	return c.order(ctx, func(ctx context.Context, f *film) error { return f.setSpeed(ctx, factor) })
}

func isSpeed(factor float64) bool { return factor >= 1./fastest && factor <= fastest }

// order is something to be done by the goroutine that owns a film.
type order struct {
	do   func(context.Context, *film) error
	done chan<- error // has room for it: who has asked may have given up
}

func (c *Control) order(ctx context.Context, do func(context.Context, *film) error) error {
	c.mu.Lock()
	p := c.pull
	c.mu.Unlock()
	if p == nil {
		return ErrNotPlaying
	}
	done := make(chan error, 1)
	orders := p.orders
	for {
		select {
		case orders <- order{do, done}:
			orders = nil
		case err := <-done:
			return err
		case <-p.over:
			return ErrNotPlaying
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// keep notes where a pull has ended.
func (c *Control) keep(url string, at time.Duration) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.url, c.at = url, at
}

// reached is where a pull of a URL is to begin.
func (c *Control) reached(url string) time.Duration {
	if c == nil {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.url != url {
		return 0
	}
	return c.at
}

// control lets c, which may be nil, control a pull until it calls the function returned.
func (c *Control) control(p *pull) (end func()) {
	if c == nil {
		return func() {}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pull = p
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.pull == p {
			c.pull = nil
		}
	}
}
