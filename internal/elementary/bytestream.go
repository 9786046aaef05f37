package elementary

import (
	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// ParameterSets returns those of a track of H.264 or H.265, as a byte stream has them (H.264, B.1); nil of another.
func ParameterSets(t *media.Track) (b []byte) {
	if t.Codec != media.H264 && t.Codec != media.H265 {
		return nil
	}
	sets, _, err := h26x.Parse(t.Codec, t.Config)
	if err != nil {
		return nil
	}
	for _, list := range [][][]byte{sets.VPS, sets.SPS, sets.PPS} {
		for _, unit := range list {
			b = append(append(b, 0, 0, 0, 1), unit...)
		}
	}
	return b
}

// IsDelimiter reports whether a NAL unit is an access unit delimiter, which muxers write themselves.
func IsDelimiter(codec media.Codec, unit []byte) bool {
	typ := h26x.UnitType(codec, unit[0])
	return codec == media.H264 && typ == h26x.AVCDelimiter || codec == media.H265 && typ == h26x.HEVCDelimiter
}

// UnitsSize returns how many bytes the NAL units of a picture take in a byte stream, each behind a start code of four bytes and without
// delimiters.
func UnitsSize(p *media.Packet) (n int) {
	for unit := range h26x.Units(p.Data) {
		if !IsDelimiter(p.Track.Codec, unit) {
			n += 4 + len(unit)
		}
	}
	return n
}

// NeedsSets reports whether parameter sets belong in front of a picture: it is one to begin with, and has none itself.
func NeedsSets(p *media.Packet) bool {
	if !p.Key {
		return false
	}
	for unit := range h26x.Units(p.Data) {
		typ := h26x.UnitType(p.Track.Codec, unit[0])
		if p.Track.Codec == media.H264 && typ == h26x.AVCSPS || p.Track.Codec == media.H265 && typ == h26x.HEVCSPS {
			return false
		}
	}
	return true
}
