package media

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The epoch puts the newest packet at the present: after a start far from 0, a burst, a stall and a pause, and with a
// source whose clock goes wrong.
func TestEpoch(t *testing.T) {
	const day = 24 * time.Hour
	var e epochClock
	now := time.Now()
	dts := 49 * day
	next := func(apart, passed time.Duration) time.Duration {
		dts, now = dts+apart, now.Add(passed)
		e.saw(dts, now)
		return e.at.Add(dts).Sub(now)
	}
	require.Zero(t, next(0, 0))
	for range 50 {
		require.Zero(t, next(40*time.Millisecond, 0), "a burst")
	}
	for range 1000 {
		require.InDelta(t, 0, next(40*time.Millisecond, 40*time.Millisecond), 1)
	}
	next(40*time.Millisecond, 500*time.Millisecond)
	for range 11 {
		next(40*time.Millisecond, 0)
	}
	require.InDelta(t, 0, next(40*time.Millisecond, 20*time.Millisecond), float64(time.Millisecond), "after a stall")
	require.Zero(t, next(40*time.Millisecond, 10*time.Second), "after a pause")
	for range 10000 {
		require.InDelta(t, 0, next(40*time.Millisecond, 40020*time.Microsecond), float64(time.Millisecond), "a slow source")
	}
	for range 10000 {
		require.Zero(t, next(40*time.Millisecond, 39980*time.Microsecond), "a fast source")
	}
}
