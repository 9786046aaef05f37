// Package fmp4 makes fragmented MP4 (ISO/IEC 14496-12, 8.8) of streams: an initialization segment, and then a fragment for
// each picture with the sound that has come meanwhile. It is muxed once for all who read it.
//
// A sample needs its duration, which is the time until the next of its track: so each is held back until that has come, a
// picture for one picture's time. In return the decode times of a track are without a gap and an overlap, however the
// packets have come.
package fmp4

import "time"

// videoScale is the timescale of video, in Hz. That of audio is its sample rate.
const videoScale = 90000

// units is a time in units of a timescale; 0 for what is before the beginning.
func units(t time.Duration, scale uint32) uint64 {
	// In two steps, since the whole product overflows after some hours.
	t = max(t, 0)
	return uint64(t/time.Second)*uint64(scale) + uint64(t%time.Second)*uint64(scale)/uint64(time.Second)
}
