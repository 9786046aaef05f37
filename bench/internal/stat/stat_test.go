package stat

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	values := []float64{40, 10, 30, 20}
	require.Zero(t, Quantile(nil, 0.5))
	require.InDelta(t, 7, Quantile([]float64{7}, 0.99), 1e-9)
	require.InDelta(t, 10, Quantile(values, 0), 1e-9)
	require.InDelta(t, 25, Median(values), 1e-9)
	require.InDelta(t, 39.7, Quantile(values, 0.99), 1e-9)
	require.InDelta(t, 40, Quantile(values, 2), 1e-9, "out of range is the largest")
	require.Equal(t, []float64{40, 10, 30, 20}, values, "the order is kept")
}

func TestMax(t *testing.T) {
	t.Parallel()
	require.Zero(t, Max(nil))
	require.InDelta(t, -1, Max([]float64{-3, -1, -2}), 1e-9)
}

func TestRatios(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{2, 3}, Ratios([]float64{4, 5, 9, 1}, []float64{2, 0, 3}))
	require.Empty(t, Ratios([]float64{1}, nil))
}

func TestEachAndMillis(t *testing.T) {
	t.Parallel()
	require.Equal(t, []float64{1.5, 0}, Each([]time.Duration{1500 * time.Microsecond, 0}, Millis))
}
