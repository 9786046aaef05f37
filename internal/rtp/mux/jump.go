package mux

import (
	"time"

	"github.com/sluice-media/sluice/internal/rtp/packetizer"
	"github.com/sluice-media/sluice/media"
)

var _ media.Jumper = (*muxer)(nil)

// Jump implements [media.Jumper]: sequence numbers go on without a hole behind what was sent, and the next packet has sender
// reports in front that tell the new time.
func (m *muxer) Jump(unsent [][]byte, epoch time.Time) {
	for _, chunk := range unsent {
		for channel, packet := range m.layout.packets(chunk) {
			if track, rtcp := m.layout.trackOf(channel); !rtcp {
				m.of(track).TakeBack(packet)
			}
		}
	}
	m.reports.jump(epoch)
}

// of returns the packetizer of the track with an index; nil if there is none.
func (m *muxer) of(track int) *packetizer.Packetizer {
	for id, index := range m.indexes {
		if index == track {
			return m.tracks[id]
		}
	}
	return nil
}

// jump sets the clock anew, which is told at once.
func (r *reports) jump(epoch time.Time) {
	r.clock = wallClock{epoch: epoch}
	r.begun, r.owed = false, true
}
