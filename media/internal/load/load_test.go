package load

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMeter(t *testing.T) {
	var m Meter
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	m.Count(at(0), at(5), at(255)) // 250 ms of work, 5 ms late
	require.Equal(t, Load{}, m.Load(at(500)), "the window has not ended")
	m.Count(at(1000), at(1002), at(1005))
	got := m.Load(at(1100))
	require.InDelta(t, 0.253, got.Busy, 0.001)
	require.Equal(t, 5*time.Millisecond, got.Late)
	require.Equal(t, Load{}, m.Load(at(5000)), "idle since")
}
