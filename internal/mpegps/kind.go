package mpegps

import (
	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/media"
)

// kind is how a codec lies in a program stream.
type kind struct {
	streamType  byte
	streamID    byte   // the first of its PES packets
	descriptors []byte // in the map
}

// kindOf returns the kind of a track, and false for what a program stream does not carry. The numbers of G.711 are those of GB/T 28181.
func kindOf(t *media.Track) (kind, bool) {
	switch t.Codec {
	case media.H264:
		return kind{streamType: 0x1b, streamID: firstVideo}, true
	case media.H265:
		return kind{streamType: 0x24, streamID: firstVideo}, true
	case media.AAC:
		_, ok := elementary.ParseADTS(t.Config)
		return kind{streamType: 0x0f, streamID: firstSound}, ok
	case media.MP3:
		if t.SampleRate > 0 && t.SampleRate < 32000 {
			return kind{streamType: 0x04, streamID: firstSound}, true
		}
		return kind{streamType: 0x03, streamID: firstSound}, true
	case media.G711A:
		return kind{streamType: 0x90, streamID: firstSound}, true
	case media.G711U:
		return kind{streamType: 0x91, streamID: firstSound}, true
	case media.Opus: // as transport streams have it
		return kind{0x06, firstSound, []byte{5, 4, 'O', 'p', 'u', 's', 0x7f, 2, 0x80, elementary.OpusLayout(t)}}, true
	}
	return kind{}, false
}

// Carries reports whether a program stream carries a track: H.264, H.265, AAC, MP3, Opus and G.711.
func Carries(t *media.Track) bool {
	_, ok := kindOf(t)
	return ok
}
