package web

import (
	"strings"
	"time"
)

// HLSConfig says how streams are cut for HLS (RFC 8216) and low-latency HLS (RFC 8216bis). The zero value means the defaults.
type HLSConfig struct {
	// SegmentDuration is how long a segment is at least: it ends at the key frame then, or 10 s after its beginning at the
	// latest. Default 2 s.
	SegmentDuration time.Duration
	// Segments is how many the playlist has. Default 3.
	Segments int
	// Retain is how many more are kept, at least, which have left the playlist. All are kept for as long as a playlist with
	// them may be in use (RFC 8216, 6.2.2).
	Retain int
	// PartDuration is how long a part of low-latency HLS is at most. Default 500 ms; negative means that there are none, and
	// no low latency.
	PartDuration time.Duration
	// FMP4Suffix is what the names of fMP4 segments end with. Default ".mp4".
	FMP4Suffix string
}

// withDefaults fills in what is not set.
func (c HLSConfig) withDefaults() HLSConfig {
	if c.SegmentDuration <= 0 {
		c.SegmentDuration = 2 * time.Second
	}
	if c.Segments <= 0 {
		c.Segments = 3
	}
	switch {
	case c.PartDuration < 0:
		c.PartDuration = 0
	case c.PartDuration == 0:
		c.PartDuration = 500 * time.Millisecond
	}
	if c.FMP4Suffix == "" {
		c.FMP4Suffix = ".mp4"
	}
	if !strings.HasPrefix(c.FMP4Suffix, ".") {
		c.FMP4Suffix = "." + c.FMP4Suffix
	}
	return c
}
