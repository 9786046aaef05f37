package relay

import (
	"math/rand/v2"
	"time"
)

const (
	defaultTimeout      = 10 * time.Second
	defaultMediaTimeout = 5 * time.Second

	// soonest and latest are between which times something is tried again; step is how much later it is with each failure.
	soonest = 2 * time.Second
	step    = 3 * time.Second
	latest  = time.Minute
)

func (r Retry) withDefaults() Retry {
	if r.Timeout <= 0 {
		r.Timeout = defaultTimeout
	}
	if r.MediaTimeout <= 0 {
		r.MediaTimeout = defaultMediaTimeout
	}
	return r
}

// exhausted reports whether so many failures behind the last success are one too many.
func (r Retry) exhausted(failures int) bool {
	return r.MaxRetries < 0 || r.MaxRetries > 0 && failures > r.MaxRetries
}

// delay is how long to wait after so many failures: about, since a thousand cameras that come back are not to come back in one second.
func (r Retry) delay(failures int) time.Duration {
	d := max(min(time.Duration(failures)*step, latest), soonest)
	return max(d-step/2+rand.N(step), soonest) //nolint:gosec // no secret
}
