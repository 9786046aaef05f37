package crowd

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/watch"
)

const ms = time.Millisecond

// pictures makes one picture for each pair of arrival and stamp in milliseconds from origin.
func pictures(origin time.Time, pairs ...[2]int) []watch.Picture {
	var out []watch.Picture
	for _, p := range pairs {
		out = append(out, watch.Picture{At: origin.Add(time.Duration(p[0]) * ms), Time: time.Duration(p[1]) * ms})
	}
	return out
}

func between(origin time.Time, begin, end int) span {
	return span{origin.Add(time.Duration(begin) * ms), origin.Add(time.Duration(end) * ms)}
}

func TestArrivalGaps(t *testing.T) {
	t.Parallel()
	origin := time.Now()
	p := pictures(origin, [2]int{0, 0}, [2]int{40, 40}, [2]int{90, 80}, [2]int{120, 120})
	require.Equal(t, []float64{40, 50, 30}, arrivalGaps(p, between(origin, 0, 1000)))
	require.Equal(t, []float64{50}, arrivalGaps(p, between(origin, 41, 120)), "the end is not within")
	require.Empty(t, arrivalGaps(p[:1], between(origin, 0, 1000)))
}

func TestLateness(t *testing.T) {
	t.Parallel()
	origin := time.Now()
	p := pictures(origin, [2]int{0, 9000}, [2]int{15, 40}, [2]int{50, 80}, [2]int{95, 120}, [2]int{160, 160})
	all := between(origin, 10, 1000) // the first came in a burst and does not count
	require.InDeltaSlice(t, []float64{5, 0, 5, 30}, lateness(p, all, all), 1e-9)
	require.InDeltaSlice(t, []float64{5, 30}, lateness(p, all, between(origin, 90, 200)), 1e-9)
	require.Empty(t, lateness(nil, all, all))
}

func TestResumption(t *testing.T) {
	t.Parallel()
	origin := time.Now()
	p := pictures(origin, [2]int{0, 0}, [2]int{10, 200}, [2]int{50, 240}, [2]int{90, 1000})
	p[3].Key = true
	skipped, key, found := resumption(p, origin.Add(20*ms), watch.DefaultStep)
	require.True(t, found)
	require.True(t, key)
	require.Equal(t, 760*ms, skipped)
	_, _, found = resumption(p[:3], origin.Add(20*ms), watch.DefaultStep)
	require.False(t, found)
	_, key, found = resumption(p, origin, watch.DefaultStep)
	require.True(t, found)
	require.False(t, key)
}

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	require.Equal(t, Spread{}, spreadOf(nil))
	require.Equal(t, Spread{N: 3, P50: 2, P99: 2.98, Max: 3}, spreadOf([]float64{3, 1, 2}))
}

func TestResultFigures(t *testing.T) {
	t.Parallel()
	r := &Result{N: 4, Seconds: 10, Bytes: 2e9, Server: Expense{User: 1, System: 3, StartKB: 100, EndKB: 140, Writes: 1000}}
	require.InDelta(t, 2, r.PerGB(), 1e-9)
	require.InDelta(t, 10, r.PlayerKB(), 1e-9)
	require.InDelta(t, 25, r.WritesPerPlayer(), 1e-9)
	require.InDelta(t, 40, r.Server.Percent(r.Seconds), 1e-9)
	require.Zero(t, (&Result{}).PerGB())
}
