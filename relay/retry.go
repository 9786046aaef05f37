package relay

import (
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	defaultTimeout      = 10 * time.Second
	defaultMediaTimeout = 5 * time.Second

	// soonest and latest are between which times something is tried again; step is how much later it is with each failure.
	soonest = 2 * time.Second
	step    = 3 * time.Second
	latest  = time.Minute

	// proven is how long something has to play until what has failed before is forgotten: who takes everybody in and hangs up then does not work.
	proven = 10 * time.Second
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

// trial is whether an attempt works.
type trial struct {
	session *media.Session // nil if there is none of it here
	stream  *media.Stream  // of a pull
	begun   time.Time
	half    *time.Timer
	midway  atomic.Uint64 // what had been moved when half of the time was over
}

// newTrial begins a trial with the media.
func newTrial(x *media.Session) *trial {
	t := &trial{session: x, begun: time.Now()}
	if x != nil && x.Publisher() != nil {
		t.stream = x.Publisher().Stream()
	}
	t.half = time.AfterFunc(proven/2, func() { t.midway.Store(t.moved()) })
	return t
}

// end reports whether it has played for long enough, and not been silent for most of that. A nil one has not.
func (t *trial) end() bool {
	if t == nil {
		return false
	}
	t.half.Stop()
	return time.Since(t.begun) >= proven && (t.session == nil || t.moved() > t.midway.Load())
}

// moved is how much media has come to the stream of a pull, or was sent.
func (t *trial) moved() uint64 {
	switch {
	case t.session == nil:
		return 0
	case t.stream != nil:
		return t.stream.Stats().Bytes
	}
	_, sent := t.session.Bytes()
	return sent
}
