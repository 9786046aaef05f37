package relay

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// State is what a pull or a push does.
type State int

const (
	// Connecting is an attempt under way, the first or another.
	Connecting State = iota
	// Playing moves media.
	Playing
	// Failed waits for the next attempt, after one that did not come to play.
	Failed
	// Dropped waits for the next attempt, after one that has played.
	Dropped
)

// String returns the word for s.
func (s State) String() string {
	names := [...]string{"connecting", "playing", "failed", "dropped"}
	if s < 0 || int(s) >= len(names) {
		return "unknown"
	}
	return names[s]
}

// Status is a pull or a push at present.
type Status struct {
	Key    string
	Stream media.StreamKey
	// URL is without user and password, and without the values of its query.
	URL   string
	State State
	// Paused is a pull that plays, but was paused, see [Relay.Pause].
	Paused bool
	// Err is why the newest attempt ended; nil if none has, and while one plays.
	Err error
	// Alive is for how long it has played without a break.
	Alive time.Duration
	// Retries counts the attempts after the first.
	Retries int
	// BytesPerSecond at present, and TotalBytes since the beginning, are those of the media.
	BytesPerSecond, TotalBytes uint64
}
