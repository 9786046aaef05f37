package fmp4

import "github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

// aacFrame is how many samples a frame of AAC has: 1024, or 960 if its AudioSpecificConfig says so; twice that if the rate is
// the one that spectral band replication makes of its own.
func aacFrame(config []byte, rate int) uint64 {
	c, ok := parseAAC(config)
	samples := uint64(1024)
	if c.FrameLengthFlag {
		samples = 960
	}
	if ok && rate == 2*c.SampleRate {
		samples *= 2
	}
	return samples
}

// parseAAC reads an AudioSpecificConfig. It reports false for what the library does not know, or falls over.
func parseAAC(b []byte) (c mpeg4audio.AudioSpecificConfig, ok bool) {
	defer func() { _ = recover() }()
	if c.Unmarshal(b) != nil {
		return mpeg4audio.AudioSpecificConfig{}, false
	}
	return c, true
}
