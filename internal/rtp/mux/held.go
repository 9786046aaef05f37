package mux

import (
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
)

var _ media.Flusher = (*muxer)(nil)

// AppendHeld implements [media.Flusher]: the audio that waits for a picture.
func (m *muxer) AppendHeld(dst []byte) ([]byte, error) {
	if len(m.held) == 0 {
		return dst, nil
	}
	frames, err := m.tracks[m.held[0].Track.ID].AppendAll(m.scratch[:0], m.held)
	clear(m.held)
	m.held, m.scratch = m.held[:0], frames
	return datagram.AppendRuns(dst, frames), err
}
