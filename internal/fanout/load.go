package fanout

import (
	"sync/atomic"
	"time"
)

// Load is how busy a loop was over the last second or so.
type Load struct {
	// Busy is the share of the time in which it worked, 0 to 1.
	Busy float64
	// Late is the longest that something waited for it.
	Late time.Duration
}

// loadWindow is the time over which a loop measures itself.
const loadWindow = time.Second

// meter measures a loop. The loop alone writes to it.
type meter struct {
	begun time.Time
	busy  time.Duration
	late  time.Duration

	ended    atomic.Int64 // when the last window ended, Unix nanoseconds
	lastBusy atomic.Int64 // per million
	lastLate atomic.Int64 // nanoseconds
}

// count notes work that was asked for, begun and done at the given times.
func (m *meter) count(asked, begun, done time.Time) {
	if m.begun.IsZero() {
		m.begun = begun
	}
	m.busy += done.Sub(begun)
	m.late = max(m.late, begun.Sub(asked))
	passed := done.Sub(m.begun)
	if passed < loadWindow {
		return
	}
	m.lastBusy.Store(int64(1e6 * m.busy / passed))
	m.lastLate.Store(int64(m.late))
	m.ended.Store(done.UnixNano())
	m.begun, m.busy, m.late = done, 0, 0
}

// load returns what was measured last. A loop that has not ended a window lately was not asked for much.
func (m *meter) load(now time.Time) Load {
	if now.Sub(time.Unix(0, m.ended.Load())) > 3*loadWindow {
		return Load{}
	}
	return Load{Busy: float64(m.lastBusy.Load()) / 1e6, Late: time.Duration(m.lastLate.Load())}
}

// Loads returns how busy each loop is.
func (e *Engine) Loads() []Load {
	loads := make([]Load, len(e.loops))
	for i, l := range e.loops {
		loads[i] = l.meter.load(time.Now())
	}
	return loads
}
