package mpegts

import (
	"bytes"
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/media"
)

// kind is how a codec lies in a transport stream.
type kind struct {
	streamType  byte
	streamID    byte   // of its PES packets
	descriptors []byte // in the PMT
}

const (
	videoID   = 0xe0
	audioID   = 0xc0
	privateID = 0xbd // private_stream_1
)

// kindOf returns the kind of a track, and false for what a transport stream does not carry. The numbers of G.711 are not of
// the standard; ZLMediaKit writes and reads them.
func kindOf(t *media.Track) (kind, bool) {
	switch t.Codec {
	case media.H264:
		return kind{streamType: 0x1b, streamID: videoID}, true
	case media.H265:
		return kind{streamType: 0x24, streamID: videoID}, true
	case media.AAC:
		_, ok := elementary.ParseADTS(t.Config)
		return kind{streamType: 0x0f, streamID: audioID}, ok
	case media.MP3:
		if t.SampleRate > 0 && t.SampleRate < 32000 {
			return kind{streamType: 0x04, streamID: audioID}, true
		}
		return kind{streamType: 0x03, streamID: audioID}, true
	case media.G711A:
		return kind{streamType: 0x90, streamID: audioID}, true
	case media.G711U:
		return kind{streamType: 0x91, streamID: audioID}, true
	case media.Opus:
		return kind{0x06, privateID, []byte{5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, elementary.OpusLayout(t)}}, true
	}
	return kind{}, false
}

// Carries reports whether a transport stream carries a track: H.264, H.265, AAC, MP3, Opus and G.711.
func Carries(t *media.Track) bool {
	_, ok := kindOf(t)
	return ok
}

// output is a track in the transport stream.
type output struct {
	id      int // of the track
	kind    kind
	pid     uint16
	counter byte // continuity_counter of the next packet
	sets    []byte
	aac     elementary.ADTS
	reached time.Duration // the DTS of the last packet
}

// same reports whether another is the same to a decoder.
func (e *output) same(other *output) bool {
	return e.id == other.id && e.kind.streamType == other.kind.streamType && e.aac == other.aac && bytes.Equal(e.sets, other.sets)
}

// next returns the continuity_counter of a packet.
func (e *output) next() byte {
	c := e.counter
	e.counter = (c + 1) & 0xf
	return c
}
