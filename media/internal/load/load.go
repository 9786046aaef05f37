// Package load measures how busy a goroutine is, and how long what it has to do waits for it.
package load

import (
	"sync/atomic"
	"time"
)

// Load is how busy somebody was over the last second or so.
type Load struct {
	// Busy is the share of the time in which it worked, 0 to 1.
	Busy float64
	// Late is the longest that work waited to be begun.
	Late time.Duration
}

// window is the time over which is measured.
const window = time.Second

// Meter measures. Count is for one goroutine at a time, Load for any.
type Meter struct {
	begun time.Time
	busy  time.Duration
	late  time.Duration

	ended    atomic.Int64 // when the last window ended, Unix nanoseconds
	lastBusy atomic.Int64 // per million
	lastLate atomic.Int64 // nanoseconds
}

// Count notes work that was asked for, begun and done at the given times.
func (m *Meter) Count(asked, begun, done time.Time) {
	if m.begun.IsZero() {
		m.begun = begun
	}
	m.busy += done.Sub(begun)
	m.late = max(m.late, begun.Sub(asked))
	passed := done.Sub(m.begun)
	if passed < window {
		return
	}
	m.lastBusy.Store(int64(1e6 * m.busy / passed))
	m.lastLate.Store(int64(m.late))
	m.ended.Store(done.UnixNano())
	m.begun, m.busy, m.late = done, 0, 0
}

// Load returns what was measured last. Who has not ended a window lately was not asked for much.
func (m *Meter) Load(now time.Time) Load {
	if now.Sub(time.Unix(0, m.ended.Load())) > 3*window {
		return Load{}
	}
	return Load{Busy: float64(m.lastBusy.Load()) / 1e6, Late: time.Duration(m.lastLate.Load())}
}
