package mux

import (
	"encoding/binary"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// MaxTracks bounds the tracks of a session: two channels each.
const MaxTracks = 16

// Layout says on which channel each track of a stream goes out; -1 is a track that was not set up. Players of
// the same layout get the very same bytes.
type Layout struct {
	Channels  [MaxTracks]int16
	Datagrams bool
}

// NoTracks returns a layout of nothing.
func NoTracks() Layout {
	var l Layout
	for i := range l.Channels {
		l.Channels[i] = -1
	}
	return l
}

// AppendByes appends the RTCP packets that end the tracks of a layout (RFC 3550, 6.6).
func (f *Formats) AppendByes(dst []byte, l Layout) []byte {
	var frames []byte
	for track, channel := range l.Channels {
		if channel >= 0 {
			// An empty receiver report comes first, as in every compound packet.
			frames = append(frames, '$', byte(channel)+1, 0, 16, 0x80, 201, 0, 1)
			frames = binary.BigEndian.AppendUint32(frames, f.SSRC(track))
			frames = append(frames, 0x81, 203, 0, 1)
			frames = binary.BigEndian.AppendUint32(frames, f.SSRC(track))
		}
	}
	return l.pack(dst, frames)
}

// pack appends interleaved frames as the layout has them.
func (l Layout) pack(dst, frames []byte) []byte {
	if l.Datagrams {
		return datagram.AppendRuns(dst, frames)
	}
	return append(dst, frames...)
}
