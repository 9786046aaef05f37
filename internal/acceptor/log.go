package acceptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/sluice-media/sluice/internal/throttle"
	"github.com/sluice-media/sluice/media"
)

// Refusal ends a session whose peer was refused, and told so.
type Refusal struct{ Cause error }

// Error implements error.
func (r *Refusal) Error() string { return "refused: " + r.Cause.Error() }

// Unwrap returns why.
func (r *Refusal) Unwrap() error { return r.Cause }

// StreamError is what kept a session from a stream, as fs.PathError is for files.
type StreamError struct {
	Op     string // such as play
	Stream string
	Err    error
}

// Error implements error.
func (e *StreamError) Error() string { return e.Op + " " + e.Stream + ": " + e.Err.Error() }

// Unwrap returns why.
func (e *StreamError) Unwrap() error { return e.Err }

// End is how a session ended.
type End struct {
	Err      error
	Kicked   error // why it was, if it was
	Quiet    bool  // it is the usual end
	Admitted bool  // the session has played or published
}

// Ends writes the one line that says why a session ended. Of those that were never admitted, which anybody can have as many
// of as he likes, each kind of end has a line a second at most, with the number since the last. The zero value is ready. Its
// methods may be called from any goroutine.
type Ends struct {
	panicked, kicked, failedHook, refused, timedOut, failed throttle.Throttle
}

// Log writes the line of a session to its logger. Who is refused because a hook has failed is a fault of the host.
func (e *Ends) Log(log *slog.Logger, end End) {
	_, refused := errors.AsType[*Refusal](end.Err)
	cause := end.Err
	if s, ok := errors.AsType[*StreamError](end.Err); ok {
		log, cause = log.With("stream", s.Stream), fmt.Errorf("%s: %w", s.Op, s.Err)
	} else if r, ok := errors.AsType[*Refusal](end.Err); ok {
		cause = r.Cause
	}
	refused = refused && !errors.Is(end.Err, context.Canceled) // who has given up was not; a hook may well fail with EOF
	say := func(often *throttle.Throttle, write func(string, ...any), msg string, args ...any) {
		n, ok := 1, true
		if !end.Admitted {
			n, ok = often.Ready()
		}
		if n > 1 {
			args = append(args, "number", n)
		}
		if ok {
			write(msg, args...)
		}
	}
	if p, ok := errors.AsType[*PanicError](end.Err); ok {
		say(&e.panicked, log.Error, "session panicked", "err", end.Err, "stack", string(p.Stack))
		return
	}
	switch {
	case end.Kicked != nil:
		say(&e.kicked, log.Info, "session kicked", "cause", end.Kicked)
	case refused && errors.Is(end.Err, media.ErrHookFailed):
		say(&e.failedHook, log.Warn, "session refused", "err", cause)
	case refused:
		say(&e.refused, log.Info, "session refused", "err", cause)
	case cause == nil:
		log.Debug("session ended")
	case end.Quiet || Closed(end.Err) || errors.Is(end.Err, media.ErrServerClosed):
		log.Debug("session ended", "cause", cause)
	case errors.Is(end.Err, os.ErrDeadlineExceeded):
		say(&e.timedOut, log.Info, "session timed out", "err", cause)
	default:
		say(&e.failed, log.Info, "session failed", "err", cause)
	}
}
