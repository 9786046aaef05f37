package h26x

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sluice-media/sluice/media"
)

// Sets are the parameter sets of a track, as NAL units. H.264 has no VPS.
type Sets struct {
	VPS, SPS, PPS [][]byte
}

// Equal reports whether both hold the same.
func (s Sets) Equal(o Sets) bool {
	return slices.EqualFunc(s.VPS, o.VPS, bytes.Equal) && slices.EqualFunc(s.SPS, o.SPS, bytes.Equal) &&
		slices.EqualFunc(s.PPS, o.PPS, bytes.Equal)
}

// Parse reads the decoder configuration record of an H.264 or H.265 track. lengthSize is that of the NAL units
// which go with it.
func Parse(codec media.Codec, config []byte) (s Sets, lengthSize int, err error) {
	if codec == media.H265 {
		return parseHEVC(config)
	}
	return parseAVC(config)
}

// parseAVC reads avcC, ISO/IEC 14496-15, 5.3.3.1.
func parseAVC(b []byte) (s Sets, lengthSize int, err error) {
	if len(b) < 7 || b[0] != 1 {
		return s, 0, fmt.Errorf("%w: avcC of %d bytes", ErrBadConfig, len(b))
	}
	rest := b[6:]
	if s.SPS, rest, err = takeUnits(rest, int(b[5]&0x1f)); err != nil {
		return s, 0, err
	}
	if len(rest) > 0 {
		if s.PPS, _, err = takeUnits(rest[1:], int(rest[0])); err != nil {
			return s, 0, err
		}
	}
	return s, int(b[4]&3) + 1, nil
}

// parseHEVC reads hvcC, ISO/IEC 14496-15, 8.3.3.1.
func parseHEVC(b []byte) (s Sets, lengthSize int, err error) {
	if len(b) < 23 {
		return s, 0, fmt.Errorf("%w: hvcC of %d bytes", ErrBadConfig, len(b))
	}
	rest := b[23:]
	for range int(b[22]) {
		if len(rest) < 3 {
			return s, 0, fmt.Errorf("%w: hvcC ends early", ErrBadConfig)
		}
		typ, count := rest[0]&0x3f, int(binary.BigEndian.Uint16(rest[1:]))
		var list [][]byte
		if list, rest, err = takeUnits(rest[3:], count); err != nil {
			return s, 0, err
		}
		switch typ {
		case HEVCVPS:
			s.VPS = append(s.VPS, list...)
		case HEVCSPS:
			s.SPS = append(s.SPS, list...)
		case HEVCPPS:
			s.PPS = append(s.PPS, list...)
		}
	}
	return s, int(b[21]&3) + 1, nil
}

// takeUnits reads count NAL units, each behind its length in two bytes.
func takeUnits(b []byte, count int) (list [][]byte, rest []byte, err error) {
	for range count {
		if len(b) < 2 || int(binary.BigEndian.Uint16(b)) > len(b)-2 {
			return nil, nil, fmt.Errorf("%w: it ends early", ErrBadConfig)
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		if n > 2 {
			list = append(list, b[2:n:n])
		}
		b = b[n:]
	}
	return list, b, nil
}

// Config returns the decoder configuration record for NAL units with lengths of four bytes, or nil if a set
// that must be there is missing or cannot be right.
func (s Sets) Config(codec media.Codec) []byte {
	switch {
	case len(s.SPS) == 0 || len(s.PPS) == 0 || !s.small():
		return nil
	case codec == media.H265:
		return s.hevc()
	default:
		return s.avc()
	}
}

// small reports whether counts and lengths fit their fields.
func (s Sets) small() bool {
	for _, list := range [][][]byte{s.VPS, s.SPS, s.PPS} {
		if len(list) > 31 {
			return false
		}
		for _, u := range list {
			if len(u) == 0 || len(u) > 0xffff {
				return false
			}
		}
	}
	return true
}

func (s Sets) avc() []byte {
	sps := s.SPS[0]
	if len(sps) < 4 {
		return nil
	}
	b := []byte{1, sps[1], sps[2], sps[3], 0xff, 0xe0 | byte(len(s.SPS))}
	b = appendUnits(b, s.SPS)
	return appendUnits(append(b, byte(len(s.PPS))), s.PPS)
}

func (s Sets) hevc() []byte {
	if len(s.VPS) == 0 || len(s.SPS[0]) < 15 {
		return nil
	}
	// H.265, 7.3.2.2: a byte, and then profile, tier and level as hvcC has them.
	raw := h264.EmulationPreventionRemove(s.SPS[0][2:])
	if len(raw) < 13 {
		return nil
	}
	b := append([]byte{1}, raw[1:13]...)
	b = append(b, 0xf0, 0, 0xfc, 0xfc|chromaFormat(s.SPS[0]), 0xf8, 0xf8, 0, 0, (raw[0]>>1&7+1)<<3|raw[0]&1<<2|3, 3)
	for _, set := range []struct {
		typ   byte
		units [][]byte
	}{{HEVCVPS, s.VPS}, {HEVCSPS, s.SPS}, {HEVCPPS, s.PPS}} {
		b = append(b, 0x80|set.typ, byte(len(set.units)>>8), byte(len(set.units)))
		b = appendUnits(b, set.units)
	}
	return b
}

func appendUnits(b []byte, list [][]byte) []byte {
	for _, u := range list {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(u))), u...)
	}
	return b
}
