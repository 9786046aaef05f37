package gb28181

import (
	"time"

	"github.com/sluice-media/sluice/internal/rtp/receiver"
	"github.com/sluice-media/sluice/media"
)

// ReceiverStatus is a sender whose stream is live, as it arrives.
type ReceiverStatus struct {
	Stream media.StreamKey
	// Port is that of this machine, and SSRC the sender's.
	Port int
	SSRC uint32
	// Received counts the packets that came, Lost those that did not, Duplicate those that came twice, Late those whose turn was over or
	// that were of another source, and Reordered those that came early.
	Received, Lost, Duplicate, Late, Reordered uint64
	// Jitter is the mean deviation of the distances at which packets come (RFC 3550, 6.4.1).
	Jitter time.Duration
}

// Receivers lists the senders whose streams are live, in no order.
func (s *Server) Receivers() (list []ReceiverStatus) {
	for _, x := range s.sources() {
		if status, ok := x.status(); ok {
			list = append(list, status)
		}
	}
	return list
}

// status is how what it sends arrives; false if its stream is not live.
func (s *source) status() (ReceiverStatus, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != live {
		return ReceiverStatus{}, false
	}
	stats, rate := s.inflow.figures()
	return ReceiverStatus{
		Stream: s.key, Port: int(s.from.local.Port()), SSRC: s.ssrc,
		Received: stats.Received, Lost: stats.Lost, Duplicate: stats.Duplicate, Late: stats.Late, Reordered: stats.Reordered,
		Jitter: time.Duration(stats.Jitter) * time.Second / time.Duration(rate),
	}, true
}

func (p *program) figures() (receiver.Stats, int) { return p.seq.Stats(), programRate }

func (e *elementary) figures() (receiver.Stats, int) { return e.in.Stats(0), e.rate }
