package h26x

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/sluice-media/sluice/media"
)

// Describe fills in width, height and rate of a track from its sequence parameter set, as far as it says.
func Describe(t *media.Track, s Sets) {
	for _, unit := range s.SPS {
		tryParse(func() {
			if t.Codec == media.H265 {
				var sps h265.SPS
				if sps.Unmarshal(unit) == nil {
					t.Width, t.Height, t.FPS = sps.Width(), sps.Height(), sps.FPS()
				}
				return
			}
			var sps h264.SPS
			if sps.Unmarshal(unit) == nil {
				t.Width, t.Height, t.FPS = sps.Width(), sps.Height(), sps.FPS()
			}
		})
	}
}

// ReorderDepth returns how many pictures may precede one in decoding order and follow it in output order,
// as a sequence parameter set says; known is false if it does not.
func ReorderDepth(codec media.Codec, unit []byte) (depth int, known bool) {
	tryParse(func() {
		if codec == media.H265 {
			var sps h265.SPS
			if sps.Unmarshal(unit) == nil && len(sps.MaxNumReorderPics) > 0 {
				depth, known = int(sps.MaxNumReorderPics[len(sps.MaxNumReorderPics)-1]), true
			}
			return
		}
		var sps h264.SPS
		switch {
		case sps.Unmarshal(unit) != nil:
		case sps.PicOrderCntType == 2: // output order is decoding order, H.264, 8.2.1.3
			known = true
		case sps.VUI != nil && sps.VUI.BitstreamRestriction != nil:
			depth, known = int(sps.VUI.BitstreamRestriction.MaxNumReorderFrames), true
		case sps.ProfileIdc == 66: // baseline has no B slices
			known = true
		}
	})
	if depth < 0 || depth > 16 {
		return 0, false
	}
	return depth, known
}

func chromaFormat(unit []byte) (format byte) {
	format = 1
	tryParse(func() {
		var sps h265.SPS
		if sps.Unmarshal(unit) == nil && sps.ChromaFormatIdc <= 3 {
			format = byte(sps.ChromaFormatIdc)
		}
	})
	return format
}

// tryParse calls a parser of a library, which must not take a session down whatever the bytes are.
func tryParse(fn func()) {
	defer func() { _ = recover() }()
	fn()
}
