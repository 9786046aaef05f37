package web

import (
	"slices"
	"strings"
	"time"
)

// HLSConfig says how streams are cut for HLS (RFC 8216) and low-latency HLS (RFC 8216bis). The zero value means the defaults.
type HLSConfig struct {
	// SegmentDuration is how long a segment is: it ends at the first key frame from nine tenths of that on, or when it gets longer
	// than the groups of pictures that were there before, 10 s at most. The first that is made for somebody who watches is what there
	// is already, however short. Default 2 s, also for what is negative.
	SegmentDuration time.Duration
	// Segments is how many the playlist has, or more as long as it lasts less than three target durations (RFC 8216, 6.2.2).
	// Default 3. Segments are never larger than 100 Mbit/s of their longest duration or 64 MiB, and where they are so large, as when
	// the stamps of a publisher stand still, the oldest leave the playlist so that it has no more of them than this. Negative
	// means as many as there may be at most: 1,000, as for Retain and Delay. All of a stream and variant take at most 512 MiB of
	// memory, for which the oldest go before their time.
	Segments int
	// Retain is how many more are kept which have left the playlist, besides those that clients may still ask for: all that
	// have left it within the longest duration of a segment. Default 0.
	Retain int
	// Delay is how many more segments the playlist hls_delay.m3u8 has, for viewers who want to be behind. Default 0: there is
	// none.
	Delay int
	// KeepEnded is how long what there is of a stream can be had when it has ended, by those who watched it. Default 10 s.
	KeepEnded time.Duration
	// FastRegister tells observers that a stream is served by HLS as soon as it has a group of pictures, however short.
	FastRegister bool
	// PartDuration is how long a part of low-latency HLS is at most, or as long as a picture is that lasts longer. Where whole
	// pictures do not fill it, as at 3 a second, parts are shorter. Default 500 ms; negative means that there are none, and no
	// low latency.
	PartDuration time.Duration
	// FMP4Suffix is what the names of fMP4 segments end with: letters and digits behind a dot, not those of another kind of stream or
	// playlist. What is not like that means the default, ".mp4".
	FMP4Suffix string
}

// mostSegments bounds each number of segments.
const mostSegments = 1000

// withDefaults fills in what is not set.
func (c HLSConfig) withDefaults() HLSConfig {
	if c.SegmentDuration <= 0 {
		c.SegmentDuration = 2 * time.Second
	}
	if c.Segments == 0 {
		c.Segments = 3
	}
	if c.Segments < 0 {
		c.Segments = mostSegments
	}
	c.Segments, c.Retain = min(c.Segments, mostSegments), min(max(c.Retain, 0), mostSegments)
	if c.KeepEnded <= 0 {
		c.KeepEnded = 10 * time.Second
	}
	c.Delay = min(max(c.Delay, 0), mostSegments)
	switch {
	case c.PartDuration < 0:
		c.PartDuration = 0
	case c.PartDuration == 0:
		c.PartDuration = 500 * time.Millisecond
	}
	c.FMP4Suffix = "." + strings.TrimPrefix(c.FMP4Suffix, ".")
	if !isSuffix(c.FMP4Suffix[1:]) {
		c.FMP4Suffix = ".mp4"
	}
	return c
}

// isSuffix reports whether segments of fMP4 can have a suffix: it stands in URIs, and those of MPEG-TS are known by theirs.
func isSuffix(s string) bool {
	return s != "" && strings.Trim(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" &&
		!slices.Contains([]string{"ts", "flv", "m3u8"}, strings.ToLower(s))
}
