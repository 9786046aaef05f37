// Package stat holds the arithmetic of the reports.
package stat

import (
	"math"
	"slices"
	"time"
)

// Quantile returns the q-quantile (0 to 1) of values by linear interpolation between the closest ranks, and 0 for no
// values. values keeps its order.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	at := min(max(q, 0), 1) * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(at-float64(low))
}

// Median returns the 0.5-quantile of values.
func Median(values []float64) float64 { return Quantile(values, 0.5) }

// Max returns the largest of values and 0 for none.
func Max(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Max(values)
}

// Ratios divides pairwise, leaving out pairs whose divisor is 0; the longer slice's rest is ignored.
func Ratios(values, divisors []float64) []float64 {
	var out []float64
	for i := range min(len(values), len(divisors)) {
		if divisors[i] != 0 {
			out = append(out, values[i]/divisors[i])
		}
	}
	return out
}

// Each collects one figure of each item.
func Each[T any](items []T, figure func(T) float64) []float64 {
	out := make([]float64, 0, len(items))
	for _, item := range items {
		out = append(out, figure(item))
	}
	return out
}

// Millis returns d in milliseconds.
func Millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
