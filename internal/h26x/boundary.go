package h26x

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sluice-media/sluice/internal/bits"
	"github.com/sluice-media/sluice/media"
)

// maxSliceHead is how much of a slice is looked at, in bytes.
const maxSliceHead = 24

// Boundaries tells where pictures begin in a stream of NAL units that says it nowhere else (H.264, 7.4.1.2.3; H.265, 7.4.2.4.4). The two
// fields of a frame of H.264 are one picture, as containers have them.
type Boundaries struct {
	codec media.Codec
	sps   []byte // of H.264, the newest

	interlaced bool // there may be fields
	planes     bool // each of three components is by itself
	bits       int  // of the number of a frame
	open       bool // the first field of a frame has been there, and the second has not,
	frame      int  // of this number
	bottom     bool
}

// NewBoundaries returns those of H.264 or H.265.
func NewBoundaries(codec media.Codec) *Boundaries { return &Boundaries{codec: codec} }

// Begins reports whether a NAL unit is the first slice of a picture. It has to see all units of the stream, parameter sets before their slices.
func (s *Boundaries) Begins(unit []byte) bool {
	if s.codec == media.H265 {
		typ := UnitType(s.codec, unit[0])
		layer := unit[0] & 1 // the other five bits of it are in the second byte
		return typ < HEVCVPS && len(unit) > 2 && layer == 0 && unit[1]>>3 == 0 && unit[2]&0x80 != 0
	}
	switch UnitType(s.codec, unit[0]) {
	case AVCSPS:
		s.describe(unit)
	case AVCSlice, AVCSlice + 1, AVCIDR: // with the first of the partitions of a slice
		return len(unit) > 1 && unit[1]&0x80 != 0 && !s.second(unit)
	}
	return false
}

// Leads reports whether NAL units of a type belong to the picture that follows, when there was a slice of another one before.
func Leads(codec media.Codec, typ byte) bool {
	if codec == media.H265 {
		return typ >= HEVCVPS && typ <= HEVCDelimiter || typ == 39 || typ >= 41 && typ <= 44 || typ >= 48 && typ <= 55
	}
	return typ >= AVCSEI && typ <= AVCDelimiter || typ >= 14 && typ <= 18
}

// describe takes what an SPS of H.264 says of slices.
func (s *Boundaries) describe(unit []byte) {
	if bytes.Equal(unit, s.sps) || len(unit) > maxSet {
		return
	}
	s.sps = bytes.Clone(unit)
	s.interlaced, s.open = false, false
	tryParse(func() {
		var sps h264.SPS
		if sps.Unmarshal(unit) == nil {
			s.interlaced, s.planes, s.bits = !sps.FrameMbsOnlyFlag, sps.SeparateColourPlaneFlag, int(sps.Log2MaxFrameNumMinus4)+4
		}
	})
}

// second reports whether the first slice of a field is that of the second field of a frame (7.4.1.2.4).
func (s *Boundaries) second(unit []byte) bool {
	if !s.interlaced || s.bits > 16 {
		return false
	}
	b := h264.EmulationPreventionRemove(unit[1:min(len(unit), maxSliceHead)])
	r := &bits.Reader{B: b, Left: 8 * len(b)}
	r.Golomb() // its first macroblock
	r.Golomb() // its type
	r.Golomb() // its parameter set
	if s.planes {
		r.Read(2)
	}
	frame := r.Read(s.bits)
	field := r.Read(1) == 1
	bottom := field && r.Read(1) == 1
	second := s.open && field && frame == s.frame && bottom != s.bottom
	s.open, s.frame, s.bottom = field && !second, frame, bottom
	return second
}
