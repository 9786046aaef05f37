// Package playing tells hosts that a client of theirs plays.
package playing

import (
	"errors"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// Tell calls fn with the session of a client, unless it is nil. A panic of it is the host's to see in the log of m, and ends nothing.
func Tell(fn func(*media.Session), m *media.Server, x *media.Session) {
	if fn == nil {
		return
	}
	err := acceptor.Guard(func() error {
		fn(x)
		return nil
	})
	if p, ok := errors.AsType[*acceptor.PanicError](err); ok {
		m.Logger().Error("OnPlaying panicked", "session", x.Info().ID, "err", err, "stack", string(p.Stack))
	}
}
