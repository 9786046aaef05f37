package crowd

import (
	"time"

	"github.com/sluice-media/sluice/bench/internal/stat"
	"github.com/sluice-media/sluice/bench/internal/watch"
)

// span is a stretch of time, begin included, end not.
type span struct{ begin, end time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.begin) && t.Before(s.end) }

// arrivalGaps returns the milliseconds between one picture's arrival and the next's, of those that arrived within s.
func arrivalGaps(pictures []watch.Picture, s span) []float64 {
	var out []float64
	for i := 1; i < len(pictures); i++ {
		if s.holds(pictures[i].At) {
			out = append(out, stat.Millis(pictures[i].At.Sub(pictures[i-1].At)))
		}
	}
	return out
}

// lateness returns for each picture that arrived within s how many milliseconds later it came than the most punctual
// picture within all, judged by its stamp.
func lateness(pictures []watch.Picture, all, s span) []float64 {
	var transit []float64 // arrival minus stamp, with the best at 0 in the end
	var inside []bool
	var origin time.Time
	best := 0.0
	for _, p := range pictures {
		if !all.holds(p.At) {
			continue
		}
		if origin.IsZero() {
			origin = p.At.Add(-p.Time)
		}
		ms := stat.Millis(p.At.Add(-p.Time).Sub(origin))
		best = min(best, ms)
		transit, inside = append(transit, ms), append(inside, s.holds(p.At))
	}
	var out []float64
	for i, ms := range transit {
		if inside[i] {
			out = append(out, ms-best)
		}
	}
	return out
}

// resumption finds the first gap in the stamps of pictures that arrived at or after thaw: how much was left out, and
// whether the picture behind it is a key frame.
func resumption(pictures []watch.Picture, thaw time.Time, step time.Duration) (skipped time.Duration, key, found bool) {
	for i := 1; i < len(pictures); i++ {
		left := pictures[i].Time - pictures[i-1].Time
		if !pictures[i].At.Before(thaw) && left > step {
			return left, pictures[i].Key, true
		}
	}
	return 0, false, false
}

func spreadOf(values []float64) Spread {
	return Spread{
		N:   len(values),
		P50: stat.Median(values),
		P99: stat.Quantile(values, 0.99),
		Max: stat.Max(values),
	}
}
