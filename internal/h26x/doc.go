// Package h26x knows of H.264 and H.265 what several containers need: NAL units, parameter sets, and the
// decoder configuration records that hold them (ISO/IEC 14496-15).
package h26x

import (
	"errors"
	"iter"

	"github.com/sluice-media/sluice/media"
)

// ErrBadConfig says that a decoder configuration record is broken.
var ErrBadConfig = errors.New("h26x: bad decoder configuration")

// The types of NAL units that matter: H.264 (Rec. ITU-T H.264, table 7-1) and H.265 (H.265, table 7-1).
const (
	AVCSlice     = 1
	AVCIDR       = 5
	AVCSEI       = 6
	AVCSPS       = 7
	AVCPPS       = 8
	AVCDelimiter = 9

	HEVCFirstIRAP = 16
	HEVCLastIRAP  = 21
	HEVCVPS       = 32
	HEVCSPS       = 33
	HEVCPPS       = 34
	HEVCDelimiter = 35
)

// UnitType returns the type of a NAL unit from its first byte.
func UnitType(codec media.Codec, head byte) byte {
	if codec == media.H265 {
		return head >> 1 & 0x3f
	}
	return head & 0x1f
}

// StartsPicture reports whether a NAL unit is of an IDR (H.264) or IRAP (H.265) picture: decoding can start
// there.
func StartsPicture(codec media.Codec, head byte) bool {
	typ := UnitType(codec, head)
	if codec == media.H265 {
		return typ >= HEVCFirstIRAP && typ <= HEVCLastIRAP
	}
	return typ == AVCIDR
}

// IsSlice reports whether NAL units of a type hold a part of the picture itself.
func IsSlice(codec media.Codec, typ byte) bool {
	if codec == media.H265 {
		return typ < HEVCVPS
	}
	return typ >= AVCSlice && typ <= AVCIDR
}

// Idle reports whether NAL units of a type say nothing: delimiters, filler, ends of sequence and stream, and types that only RTP has
// or nobody.
func Idle(codec media.Codec, typ byte) bool {
	if codec == media.H265 {
		return typ >= HEVCDelimiter && typ <= 38 || typ >= 48
	}
	return typ == 0 || typ >= AVCDelimiter && typ <= 12 || typ >= 24
}

// Units yields the NAL units of a packet's data, which lie behind their lengths in four bytes. It ends at the
// first that is not whole; empty ones are left out.
func Units(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(data) >= 4 {
			n := int(uint32(data[0])<<24 | uint32(data[1])<<16 | uint32(data[2])<<8 | uint32(data[3]))
			if n > len(data)-4 {
				return
			}
			if n > 0 && !yield(data[4:4+n:4+n]) {
				return
			}
			data = data[4+n:]
		}
	}
}
