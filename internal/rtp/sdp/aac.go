package sdp

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
)

// carriesAAC tells AAC from what else MPEG4-GENERIC carries (RFC 3640, 4.1: stream types other than audio, and
// the modes of CELP).
func carriesAAC(params map[string]string) bool {
	mode, typ := strings.ToUpper(params["mode"]), params["streamtype"]
	return !strings.HasPrefix(mode, "CELP") && (typ == "" || typ == "5")
}

// describeAAC fills in the track from the AudioSpecificConfig that the section has, or from one that fits its
// a=rtpmap.
func (m *Media) describeAAC() error {
	t := m.Track
	raw := decodeHex(m.Params["config"])
	if m.Encoding == "MP4A-LATM" {
		raw = fromLATM(raw)
	}
	c, ok := readAAC(raw)
	if !ok {
		if raw = buildAAC(m.ClockRate, t.Channels); raw == nil {
			return errors.New("AAC without a configuration")
		}
		c, _ = readAAC(raw)
	}
	if t.Config = raw; c.SampleRate > 0 {
		t.SampleRate = c.SampleRate
	}
	switch {
	case c.ChannelConfig == 7: // ISO/IEC 14496-3, table 1.19: 7.1
		t.Channels = 8
	case c.ChannelConfig > 0:
		t.Channels = int(c.ChannelConfig)
	case m.Channels == 0:
		t.Channels = 2
	}
	if m.ClockRate == 0 {
		m.ClockRate = t.SampleRate
	}
	if m.ClockRate == 0 {
		return errors.New("AAC without a sample rate")
	}
	return nil
}

// decodeHex decodes what it can: some write an odd digit more.
func decodeHex(s string) []byte {
	b, err := hex.DecodeString(strings.Trim(s, `"'`))
	if err != nil && !errors.Is(err, hex.ErrLength) {
		return nil
	}
	return b
}

// readAAC reads an AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1). Of object types that the library does not
// know, c says nothing.
func readAAC(b []byte) (c mpeg4audio.AudioSpecificConfig, ok bool) {
	const longest = 512
	if len(b) < 2 || len(b) > longest {
		return c, false
	}
	tryParse(func() { ok = c.Unmarshal(b) == nil })
	if ok {
		return c, c.SampleRate > 0 && c.SampleRate <= maxClockRate
	}
	switch mpeg4audio.ObjectType(b[0] >> 3) {
	case 0, mpeg4audio.ObjectTypeAACLC, mpeg4audio.ObjectTypeSBR, mpeg4audio.ObjectTypePS:
		return c, false
	}
	return mpeg4audio.AudioSpecificConfig{}, true
}

// buildAAC returns the AudioSpecificConfig of AAC-LC, or nil if there is none with the rate and channels.
func buildAAC(rate, channels int) []byte {
	index := slices.Index([]int{
		96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
	}, rate)
	switch {
	case channels == 8:
		channels = 7
	case channels > 6:
		return nil
	}
	if index < 0 || channels < 1 {
		return nil
	}
	v := uint16(mpeg4audio.ObjectTypeAACLC)<<11 | uint16(index)<<7 | uint16(channels)<<3
	return []byte{byte(v >> 8), byte(v)}
}

// fromLATM takes the AudioSpecificConfig out of a StreamMuxConfig (ISO/IEC 14496-3, table 1.42). Some put the
// AudioSpecificConfig alone there; the two cannot be mistaken, as the bit allStreamsSameTimeFraming must be set.
func fromLATM(b []byte) []byte {
	var config []byte
	for cut := range min(len(b), 4) { // the library wants no byte too many
		tryParse(func() {
			var mux mpeg4audio.StreamMuxConfig
			if config == nil && mux.Unmarshal(b[:len(b)-cut]) == nil {
				config, _ = mux.Programs[0].Layers[0].AudioSpecificConfig.Marshal()
			}
		})
	}
	if config == nil {
		return b
	}
	return config
}

// tryParse calls a parser of a library, which must not take a session down whatever the bytes are.
func tryParse(fn func()) {
	defer func() { _ = recover() }()
	fn()
}
