package media

import (
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/media/internal/fanout"
)

// errPanic ends a player when what its host supplies has panicked.
var errPanic = errors.New("media: what serves the player panicked")

// panicked logs err if it is a panic, and returns what stands for it. Any other error it returns as it is.
func (p *Player) panicked(err error) error {
	v, ok := errors.AsType[*fanout.PanicError](err)
	if !ok {
		return err
	}
	p.server.log.Error("player panicked", "stream", p.stream.key.String(), "session", p.session.info.ID,
		"proto", p.session.info.Protocol, "panic", v.Value, "stack", string(v.Stack))
	return fmt.Errorf("%w: %v", errPanic, v.Value)
}

// call calls fn, and returns a panic as an error.
func call(fn func(error), arg error) (err error) {
	defer fanout.Catch(&err)
	fn(arg)
	return nil
}
