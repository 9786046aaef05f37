package hls

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// partTarget returns how long a part is at most. All but the last part of a segment are to last 85 % of that (RFC 8216bis,
// 4.4.4.9): where whole pictures do not fill what is wanted so far, it is as long as those are that fit in, one at least.
func partTarget(wanted, longest time.Duration, fps float64) time.Duration {
	if wanted <= 0 || fps <= 0 {
		return wanted
	}
	picture, slack := time.Duration(float64(time.Second)/fps), rounding
	if whole := picture.Round(time.Millisecond); (picture - whole).Abs() < exact {
		picture, slack = whole, 0
	}
	if fits := max((wanted+slack)/picture, 1) * picture; fits < wanted*9/10 || fits > wanted-slack {
		wanted = fits + slack
	}
	return min(wanted, longest)
}

const (
	// rounding is how much longer than they are pictures may seem by their stamps, which are rounded to milliseconds.
	rounding = 2 * time.Millisecond
	// exact is how near to whole milliseconds a picture lasts so long, as the rate is measured.
	exact = 50 * time.Microsecond
)

// rateOf returns how many pictures a second a stream has; 0 if that is not known, or it has none.
func rateOf(st *media.Stream) float64 {
	for _, t := range st.Stats().Tracks {
		if t.Track.Codec.Video() {
			return t.FPS
		}
	}
	return 0
}
