package gb28181

import (
	"log/slog"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/media"
)

const (
	// reorder is how many datagrams wait for one that is missing.
	reorder = 128
	// statsEvery is the distance of figures for the stream, and reportsEvery that of receiver reports.
	statsEvery   = time.Second
	reportsEvery = 5 * time.Second
)

// inflow makes a stream of the RTP packets of a sender. It is for one goroutine at a time.
type inflow interface {
	// packet takes an RTP packet, of which it keeps nothing. It reports whether packets wait for one that is missing, so that flush
	// has to be called every now and then.
	packet(b []byte, now time.Time) (waits bool)
	// flush passes on what has waited long enough, and reports whether more waits.
	flush(now time.Time) (waits bool)
	// report takes an RTCP packet, and replies to it now and then.
	report(b []byte, now time.Time, reply func([]byte) error)
	// restart says that what follows is another source.
	restart()
	// torn says that bytes are missing on a connection.
	torn()
	// figures are those of the packets, and the rate of their clock in Hz.
	figures() (receiver.Stats, int)
	// close passes on what is held back.
	close()
}

// inflowConfig is what an inflow needs to know.
type inflowConfig struct {
	kind        content
	payloadType uint8
	unreliable  bool // packets may be lost, doubled and out of order
	wanted      Tracks
	log         *slog.Logger
}

// newInflow returns the one of a content.
func newInflow(pub *media.Publisher, c inflowConfig) inflow {
	if c.kind == programStream || c.kind == transportStream {
		return newProgram(pub, c)
	}
	return newElementary(pub, c)
}
