// Package throttle bounds how often the log says what anybody can cause as often as he likes.
package throttle

import (
	"sync"
	"time"
)

const every = time.Second

// Throttle counts events and says when to log them. The zero value is ready. Its methods may be called from any
// goroutine.
type Throttle struct {
	mu   sync.Mutex
	n    int
	told time.Time
}

// Ready counts an event. It reports whether it is to be logged, and then how many there were since the last that was: the
// first is at once, and then one a second at most.
func (t *Throttle) Ready() (n int, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n++
	if now := time.Now(); t.told.IsZero() || now.Sub(t.told) >= every {
		n, t.n, t.told = t.n, 0, now
		return n, true
	}
	return 0, false
}
