package media

import (
	"fmt"
	"maps"
	"time"
)

// Load is how busy a part of the server is.
type Load struct {
	// Name tells them apart.
	Name string
	// Busy is the share of the last second in which it worked, 0 to 1.
	Busy float64
	// Late is the longest that work waited to be begun in that second.
	Late time.Duration
}

// Loads returns the load of the fan-out, one entry for each of its goroutines: as many as processors.
func (s *Server) Loads() []Load {
	var loads []Load
	for i, l := range s.engine.Loads() {
		loads = append(loads, Load{Name: fmt.Sprintf("fan-out %d", i), Busy: l.Busy, Late: l.Late})
	}
	return loads
}

// Workers returns the load of what is not media: hooks that are asked and told. Busy is over 1 when several run.
func (s *Server) Workers() Load {
	l := s.asker.load()
	return Load{Name: "hooks", Busy: l.Busy, Late: l.Late}
}

// HookStats says how often hooks were asked or told of an event.
type HookStats struct {
	// Calls that have ended; Failures among them are errors and panics, not refusals.
	Calls, Failures uint64
	// Time is how long they took together.
	Time time.Duration
}

// HookStats returns the figures of each event that has happened, by its name without "on_", such as publish.
func (s *Server) HookStats() map[string]HookStats {
	s.asker.mu.Lock()
	defer s.asker.mu.Unlock()
	return maps.Clone(s.asker.stats)
}
