package depacketizer

import (
	"bytes"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/av1"

	"github.com/sluice-media/sluice/media"
)

// maxSequenceHeader bounds a sequence header, in bytes: the longest that there can be has less than half of that.
const maxSequenceHeader = 1 << 10

// describeAV1 describes a track anew if a sequence header in front of a picture says another thing than what is known: SDP has
// none, and no container takes AV1 without. One that cannot be read changes nothing.
func describeAV1(t *media.Track, obus [][]byte) *media.Track {
	for _, obu := range obus {
		if len(obu) == 0 || obuType(obu) != obuSequenceHeader || len(obu) > maxSequenceHeader {
			continue
		}
		config, h := av1Config(obu)
		if config == nil || bytes.Equal(config, t.Config) {
			return t
		}
		described := *t
		described.Config, described.Width, described.Height = config, h.Width(), h.Height()
		return &described
	}
	return t
}

// av1Config makes the decoder configuration of a sequence header (AV1 Codec ISO Media File Format Binding, 2.3.3); nil if that cannot
// be read.
func av1Config(obu []byte) ([]byte, *av1.SequenceHeader) {
	var h av1.SequenceHeader
	if err := h.Unmarshal(obu); err != nil || len(h.SeqLevelIdx) == 0 {
		return nil, nil
	}
	const markerAndVersion = 0x81
	c := h.ColorConfig
	flags := bit(h.SeqTier[0], 7) | bit(c.HighBitDepth, 6) | bit(c.TwelveBit, 5) | bit(c.MonoChrome, 4) |
		bit(c.SubsamplingX, 3) | bit(c.SubsamplingY, 2) | byte(c.ChromaSamplePosition)&3
	config, err := appendOBU([]byte{markerAndVersion, h.SeqProfile<<5 | h.SeqLevelIdx[0]&0x1f, flags, 0}, obu)
	if err != nil {
		return nil, nil
	}
	return config, &h
}

func bit(set bool, at int) byte {
	if set {
		return 1 << at
	}
	return 0
}
