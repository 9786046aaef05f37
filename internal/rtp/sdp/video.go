package sdp

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// describeVideo fills in what the section says of the pictures. All of it may be missing, as the stream says it
// too.
func (m *Media) describeVideo(s section) {
	t := m.Track
	if t.Codec == media.H264 || t.Codec == media.H265 {
		sets := parameterSets(t.Codec, m.Params)
		h26x.Describe(t, sets)
		t.Config = sets.Config(t.Codec)
	}
	if t.Width <= 0 || t.Height <= 0 {
		t.Width, t.Height = s.size(m.PayloadType)
	}
	if t.FPS <= 0 {
		t.FPS = s.rate()
	}
}

// parameterSets collects the parameter sets of a=fmtp: sprop-parameter-sets (RFC 6184, 8.1), sprop-vps,
// sprop-sps and sprop-pps (RFC 7798, 7.1). Each NAL unit says itself what it is, so order does not matter.
func parameterSets(codec media.Codec, params map[string]string) h26x.Sets {
	var sets h26x.Sets
	for _, key := range []string{"sprop-parameter-sets", "sprop-vps", "sprop-sps", "sprop-pps"} {
		for word := range strings.SplitSeq(params[key], ",") {
			for _, unit := range units(word) {
				addSet(&sets, codec, unit)
			}
		}
	}
	return sets
}

func addSet(sets *h26x.Sets, codec media.Codec, unit []byte) {
	switch typ := h26x.UnitType(codec, unit[0]); {
	case codec == media.H264 && typ == h26x.AVCSPS, codec == media.H265 && typ == h26x.HEVCSPS:
		if readable(codec, unit) {
			sets.SPS = append(sets.SPS, unit)
		}
	case codec == media.H264 && typ == h26x.AVCPPS, codec == media.H265 && typ == h26x.HEVCPPS:
		sets.PPS = append(sets.PPS, unit)
	case codec == media.H265 && typ == h26x.HEVCVPS:
		sets.VPS = append(sets.VPS, unit)
	}
}

// readable reports whether a sequence parameter set makes sense. The stream brings it again, so no set is
// better than a broken one.
func readable(codec media.Codec, sps []byte) bool {
	t := media.Track{Codec: codec}
	h26x.Describe(&t, h26x.Sets{SPS: [][]byte{sps}})
	return t.Width > 0 && t.Height > 0
}

// units returns the NAL units in a base64 word. There should be one without a start code, but some encoders
// send what they have (H.264, annex B).
func units(word string) [][]byte {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(word, "="))
	if err != nil {
		return nil
	}
	var list [][]byte
	for unit := range bytes.SplitSeq(b, []byte{0, 0, 1}) {
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) > 1 {
			list = append(list, unit[:len(unit):len(unit)])
		}
	}
	return list
}

// size returns the size of pictures from a=framesize (RFC 6064, 6.2), or from the a=x-dimensions of some
// cameras.
func (s section) size(payloadType uint8) (width, height int) {
	const limit = 1 << 14
	read := func(text, separator string) bool {
		w, h, _ := strings.Cut(text, separator)
		width, height = bounded(strings.TrimSpace(w), limit), bounded(strings.TrimSpace(h), limit)
		return width > 0 && height > 0
	}
	for _, value := range s.of("framesize", payloadType) {
		if read(value, "-") {
			return width, height
		}
	}
	if read(s.first("x-dimensions"), ",") {
		return width, height
	}
	return 0, 0
}

// rate returns the number of pictures a second from a=framerate (RFC 8866, 6.13).
func (s section) rate() float64 {
	fps, err := strconv.ParseFloat(s.first("framerate"), 64)
	if err != nil || !(fps > 0 && fps <= 1000) { // not a number compares false
		return 0
	}
	return fps
}
