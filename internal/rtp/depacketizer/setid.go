package depacketizer

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// setID returns the identifier of a parameter set (H.264, 7.3.2; H.265, 7.3.2).
func setID(codec media.Codec, b []byte) int {
	typ := h26x.UnitType(codec, b[0])
	switch {
	case codec == media.H265 && typ == h26x.HEVCVPS:
		return (&bitReader{b: b, at: 16, left: 4}).read(4)
	case codec == media.H265 && typ == h26x.HEVCPPS:
		return (&bitReader{b: b, at: 16, left: 8 * len(b)}).golomb()
	case codec == media.H265:
		return hevcSPSID(b)
	case typ == h26x.AVCSPS: // behind profile, constraints and level
		return (&bitReader{b: b, at: 32, left: 8 * len(b)}).golomb()
	default:
		return (&bitReader{b: b, at: 8, left: 8 * len(b)}).golomb()
	}
}

// hevcSPSID reads the identifier of an H.265 SPS, which stands behind profile, tier and level (7.3.3) of the whole
// and of each sub-layer.
func hevcSPSID(b []byte) int {
	// That much holds 7 sub-layers.
	raw := h264.EmulationPreventionRemove(b[:min(len(b), 160)])
	r := &bitReader{b: raw, at: 16 + 4, left: 8 * len(raw)}
	subLayers := r.read(3)
	r.at += 1 + 88 + 8
	profile, level := make([]bool, 8), make([]bool, 8)
	for i := range subLayers {
		profile[i], level[i] = r.read(1) == 1, r.read(1) == 1
	}
	if subLayers > 0 {
		r.at += 2 * (8 - subLayers)
	}
	for i := range subLayers {
		if profile[i] {
			r.at += 88
		}
		if level[i] {
			r.at += 8
		}
	}
	return r.golomb()
}

// bitReader reads numbers of up to 16 bits. Past the end there are zeros.
type bitReader struct {
	b    []byte
	at   int
	left int // bits that may still be read
}

func (r *bitReader) read(n int) (v int) {
	for range n {
		v <<= 1
		if r.left > 0 && r.at/8 < len(r.b) {
			v |= int(r.b[r.at/8]>>(7-r.at%8)) & 1
			r.left--
		}
		r.at++
	}
	return v
}

// golomb reads an unsigned Exp-Golomb code (H.264, 9.1). One of more than 16 bits behind its zeros counts as 0.
func (r *bitReader) golomb() int {
	for zeros := range 17 {
		if r.read(1) == 1 {
			return 1<<zeros - 1 + r.read(zeros)
		}
	}
	return 0
}
