package record

import (
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// LoadRequest asks to play files as a stream, one and the same for all who watch.
type LoadRequest struct {
	// Stream is what they are published as. An empty VHost means hook.DefaultVHost.
	Stream media.StreamKey
	// Paths are files, and directories of files, that are played one after the other.
	Paths []string
	// Repeat begins again at the end.
	Repeat bool
	// At is where to begin.
	At time.Duration
	// Speed is how much faster than in real time. 0 means 1.
	Speed float64
	// Options go before the server's.
	Options hook.StreamOptions
}
