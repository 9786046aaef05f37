package acceptor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

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

// LogEnd writes the one line that says why a session ended. kicked is why it was, if it was; quiet says that
// the end was the usual one. Who is refused because a hook has failed is a fault of the host.
func LogEnd(log *slog.Logger, err, kicked error, quiet bool) {
	if p, ok := errors.AsType[*PanicError](err); ok {
		log.Error("session panicked", "err", err, "stack", string(p.Stack))
		return
	}
	_, refused := errors.AsType[*Refusal](err)
	cause := err
	if s, ok := errors.AsType[*StreamError](err); ok {
		log, cause = log.With("stream", s.Stream), fmt.Errorf("%s: %w", s.Op, s.Err)
	} else if r, ok := errors.AsType[*Refusal](err); ok {
		cause = r.Cause
	}
	refused = refused && !errors.Is(err, context.Canceled) // who has given up was not; a hook may well fail with EOF
	switch {
	case kicked != nil:
		log.Info("session kicked", "cause", kicked)
	case refused && errors.Is(err, media.ErrHookFailed):
		log.Warn("session refused", "err", cause)
	case refused:
		log.Info("session refused", "err", cause)
	case cause == nil:
		log.Debug("session ended")
	case quiet || Closed(err):
		log.Debug("session ended", "cause", cause)
	case errors.Is(err, os.ErrDeadlineExceeded):
		log.Info("session timed out", "err", cause)
	default:
		log.Info("session failed", "err", cause)
	}
}
