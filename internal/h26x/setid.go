package h26x

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sluice-media/sluice/internal/bits"
	"github.com/sluice-media/sluice/media"
)

// setID returns the identifier of a parameter set (H.264, 7.3.2; H.265, 7.3.2).
func setID(codec media.Codec, b []byte) int {
	typ := UnitType(codec, b[0])
	switch {
	case codec == media.H265 && typ == HEVCVPS:
		return (&bits.Reader{B: b, At: 16, Left: 4}).Read(4)
	case codec == media.H265 && typ == HEVCPPS:
		return (&bits.Reader{B: b, At: 16, Left: 8 * len(b)}).Golomb()
	case codec == media.H265:
		return hevcSPSID(b)
	case typ == AVCSPS: // behind profile, constraints and level
		return (&bits.Reader{B: b, At: 32, Left: 8 * len(b)}).Golomb()
	default:
		return (&bits.Reader{B: b, At: 8, Left: 8 * len(b)}).Golomb()
	}
}

// hevcSPSID reads the identifier of an H.265 SPS, which stands behind profile, tier and level (7.3.3) of the whole
// and of each sub-layer.
func hevcSPSID(b []byte) int {
	// That much holds 7 sub-layers.
	raw := h264.EmulationPreventionRemove(b[:min(len(b), 160)])
	r := &bits.Reader{B: raw, At: 16 + 4, Left: 8 * len(raw)}
	subLayers := r.Read(3)
	r.At += 1 + 88 + 8
	profile, level := make([]bool, 8), make([]bool, 8)
	for i := range subLayers {
		profile[i], level[i] = r.Read(1) == 1, r.Read(1) == 1
	}
	if subLayers > 0 {
		r.At += 2 * (8 - subLayers)
	}
	for i := range subLayers {
		if profile[i] {
			r.At += 88
		}
		if level[i] {
			r.At += 8
		}
	}
	return r.Golomb()
}
