package h26x

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sluice-media/sluice/internal/bits"
	"github.com/sluice-media/sluice/media"
)

const (
	recoveryPoint = 6 // the type of the message
	maxRecovery   = 64
)

// RecoversAtOnce reports whether a NAL unit says that decoding can start with its picture although it is no IDR picture: the recovery
// point message of H.264 (D.2.8) for no frame later. Broadcasters have open groups of pictures and no other.
func RecoversAtOnce(codec media.Codec, unit []byte) bool {
	if codec != media.H264 || len(unit) < 4 || UnitType(codec, unit[0]) != AVCSEI {
		return false
	}
	b := h264.EmulationPreventionRemove(unit[1:min(len(unit), maxRecovery)])
	for len(b) >= 2 {
		var typ, size int
		if typ, b = seiNumber(b); len(b) == 0 {
			return false
		}
		size, b = seiNumber(b)
		if typ == recoveryPoint && len(b) > 0 {
			return (&bits.Reader{B: b, Left: 8 * len(b)}).Golomb() == 0
		}
		b = b[min(size, len(b)):]
	}
	return false
}

// seiNumber reads a type or a size of a message (7.3.2.3.1): each byte of 255 says that there is more.
func seiNumber(b []byte) (n int, rest []byte) {
	for i, c := range b {
		n += int(c)
		if c != 255 {
			return n, b[i+1:]
		}
	}
	return n, nil
}
