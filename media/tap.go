package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"sync"
)

// Tap is to streams what http.Handler is to requests: it is called once for each live stream that matches, on
// a goroutine of its own, and returns when ctx ends. Recorders, relays and detectors are taps. A tap is no
// reader: it does not keep a stream from being unwatched.
type Tap interface {
	// ServeStream handles one stream. ctx ends with the stream or the tap. An error is logged, but for io.EOF: that is
	// how reading a stream ends.
	ServeStream(ctx context.Context, st *Stream) error
}

// TapFunc is a function that is a [Tap].
type TapFunc func(ctx context.Context, st *Stream) error

// ServeStream calls f.
func (f TapFunc) ServeStream(ctx context.Context, st *Stream) error { return f(ctx, st) }

type tapEntry struct {
	match   func(StreamKey) bool
	tap     Tap
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
}

// Tap lets t serve every stream that matches: those there are, and those to come. A nil match takes all; it is called
// like t, once for each stream. stop ends it and waits until all its calls have returned, so none of them may call it.
func (s *Server) Tap(match func(StreamKey) bool, t Tap) (stop func()) {
	if t == nil {
		s.log.Error("a nil media.Tap was registered")
		return func() {}
	}
	e := &tapEntry{match: match, tap: t}
	e.ctx, e.cancel = context.WithCancel(s.decision)
	s.mu.Lock()
	if !s.closing {
		s.taps[e] = struct{}{}
	}
	for st := range s.streams.Values() {
		if st.registered {
			s.startTap(e, st)
		}
	}
	s.mu.Unlock()
	return func() {
		s.mu.Lock()
		delete(s.taps, e)
		s.mu.Unlock()
		e.cancel()
		e.running.Wait()
	}
}

// startTap serves st with e, if it matches. s.mu is held, so the host is not asked here.
func (s *Server) startTap(e *tapEntry, st *Stream) {
	if s.closing {
		return
	}
	e.running.Add(1)
	s.running.Go(func() {
		defer e.running.Done()
		ctx, cancel := context.WithCancel(e.ctx)
		defer cancel()
		defer context.AfterFunc(st.life, cancel)()
		if err := e.serve(ctx, st); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
			s.log.Warn("tap failed", "stream", st.key.String(), "err", err)
		}
	})
}

// serve calls the tap; a panic becomes an error.
func (e *tapEntry) serve(ctx context.Context, st *Stream) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("media: tap panicked: %v\n%s", r, debug.Stack())
		}
	}()
	if e.match != nil && !e.match(st.key) {
		return nil
	}
	return e.tap.ServeStream(ctx, st)
}
