package mp4

import "time"

// durationOf is a time in units of a timescale. It is rounded up to a nanosecond: so a muxer that cuts it down to units of the
// same timescale has the very same number again.
func durationOf(units int64, scale uint32) time.Duration {
	seconds, rest := floorDiv(units, int64(scale))
	nanos := (uint64(rest)*uint64(time.Second) + uint64(scale) - 1) / uint64(scale)
	return time.Duration(seconds)*time.Second + time.Duration(nanos)
}

// unitsOf is a time in units of a timescale, rounded down: the last of them whose durationOf is not after d.
func unitsOf(d time.Duration, scale uint32) int64 {
	seconds, rest := floorDiv(int64(d), int64(time.Second))
	return seconds*int64(scale) + rest*int64(scale)/int64(time.Second)
}

// rescale converts units of one timescale to the nearest of another.
func rescale(units int64, from, to uint32) int64 {
	seconds, rest := floorDiv(units, int64(from))
	return seconds*int64(to) + int64((uint64(rest)*uint64(to)+uint64(from)/2)/uint64(from))
}

// floorDiv divides, and rounds down also what is negative.
func floorDiv(a, b int64) (quotient, rest int64) {
	quotient, rest = a/b, a%b
	if rest < 0 {
		return quotient - 1, rest + b
	}
	return quotient, rest
}

// sane reports whether a time is not longer than some seconds.
func sane(units, seconds int64, scale uint32) bool {
	limit := seconds * int64(scale)
	return units >= -limit && units <= limit
}
