package media

import (
	"fmt"
	"time"
)

// Load is how busy one of the goroutines that write to all players is.
type Load struct {
	// Name tells them apart.
	Name string
	// Busy is the share of the last second in which it worked, 0 to 1.
	Busy float64
	// Late is the longest that something to write waited for it in that second.
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
