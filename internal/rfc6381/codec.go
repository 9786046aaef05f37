// Package rfc6381 names codecs as the CODECS attribute of HLS and the codecs parameter of a media type do (RFC 6381): avc1.64001f
// and the like, by which players know what they can decode before they have got any of it.
package rfc6381

import (
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// Name returns the name of a track's codec in MP4 and in HLS. Where the track has no decoder configuration, or one that is too
// short, it is the name without the profile. A codec that has no such name gets its own.
func Name(t *media.Track) string {
	switch t.Codec {
	case media.H264:
		return avc(t.Config)
	case media.H265:
		return hevc(t.Config)
	case media.AV1:
		return av1(t.Config)
	case media.VP8:
		return vp("vp08", t.Config)
	case media.VP9:
		return vp("vp09", t.Config)
	case media.AAC:
		return fmt.Sprintf("mp4a.40.%d", objectType(t.Config))
	case media.MP3:
		return "mp4a.6B"
	case media.Opus:
		return "opus"
	case media.G711A:
		return "alaw"
	case media.G711U:
		return "ulaw"
	}
	return t.Codec.LogValue().String()
}

// avc names profile, constraints and level, as they stand in the avcC (ISO/IEC 14496-15, 5.3.3.1).
func avc(record []byte) string {
	if len(record) < 4 {
		return "avc1"
	}
	return "avc1." + hex.EncodeToString(record[1:4])
}

// hevc names what the hvcC says of profile, tier and level (14496-15, E.3).
func hevc(record []byte) string {
	if len(record) < 13 {
		return "hvc1"
	}
	space := []string{"", "A", "B", "C"}[record[1]>>6]
	tier := "L"
	if record[1]&0x20 != 0 {
		tier = "H"
	}
	compatible := bits.Reverse32(uint32(record[2])<<24 | uint32(record[3])<<16 | uint32(record[4])<<8 | uint32(record[5]))
	name := fmt.Sprintf("hvc1.%s%d.%X.%s%d", space, record[1]&0x1f, compatible, tier, record[12])
	constraints := record[6:12]
	for len(constraints) > 0 && constraints[len(constraints)-1] == 0 {
		constraints = constraints[:len(constraints)-1]
	}
	for _, c := range constraints {
		name += fmt.Sprintf(".%X", c)
	}
	return name
}

// av1 names profile, level, tier and bit depth of an av1C (AV1 in ISOBMFF, 5).
func av1(record []byte) string {
	if len(record) < 4 {
		return "av01"
	}
	tier, depth := "M", 8
	if record[2]&0x80 != 0 {
		tier = "H"
	}
	if record[2]&0x40 != 0 {
		depth = 10
		if record[2]&0x20 != 0 {
			depth = 12
		}
	}
	return fmt.Sprintf("av01.%d.%02d%s.%02d", record[1]>>5, record[1]&0x1f, tier, depth)
}

// vp names profile, level and bit depth of a vpcC, behind its version and flags. Without one they are what most streams have.
func vp(name string, record []byte) string {
	profile, level, depth := byte(0), byte(10), byte(8)
	if len(record) >= 7 {
		profile, level, depth = record[4], record[5], record[6]>>4
	}
	return fmt.Sprintf("%s.%02d.%02d.%02d", name, profile, level, depth)
}

// objectType is that of an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1): AAC-LC if there is none.
func objectType(config []byte) int {
	if len(config) < 2 {
		return 2
	}
	if n := int(config[0] >> 3); n < 31 {
		return n
	}
	return 32 + (int(config[0]&7)<<3 | int(config[1]>>5))
}

// Names returns the names of tracks, each once, divided by commas.
func Names(tracks []*media.Track) string {
	var names []string
	seen := map[string]bool{}
	for _, t := range tracks {
		if n := Name(t); !seen[n] {
			seen[n] = true
			names = append(names, n)
		}
	}
	return strings.Join(names, ",")
}
