package elastic

import (
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

// It is a map, whatever comes and goes.
func TestMap(t *testing.T) {
	var m Map[int, string]
	want := map[int]string{}
	require.Empty(t, m.Get(1))
	m.Delete(1)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 20_000 {
		key := random.IntN(3000)
		if random.IntN(20_000) > i { // more and more of them go
			want[key] = "x"
			m.Set(key, "x")
		} else {
			delete(want, key)
			m.Delete(key)
		}
		require.Equal(t, len(want), m.Len())
	}
	for key := range 3000 {
		require.Equal(t, want[key], m.Get(key))
	}
	got := map[int]string{}
	for key, value := range m.All() {
		got[key] = value
	}
	require.Equal(t, want, got)
	n := 0
	for range m.Values() {
		n++
	}
	require.Len(t, want, n)
	for range m.All() {
		break
	}
	for range m.Values() {
		break
	}
}

// The memory of a crowd that has gone is free again.
func TestMapShrinks(t *testing.T) {
	const crowd = 200_000
	var m Map[int, int]
	before := inUse()
	for i := range crowd {
		m.Set(i, i)
	}
	full := inUse() - before
	require.Greater(t, full, int64(crowd*16), "it is measured")
	for i := range crowd - 1 {
		m.Delete(i)
	}
	require.Less(t, inUse()-before, full/20)
	require.Equal(t, crowd-1, m.Get(crowd-1))
}

func inUse() int64 {
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
