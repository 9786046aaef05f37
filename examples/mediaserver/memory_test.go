package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

// crowd takes 64 MB.
func crowd() [][]byte {
	c := make([][]byte, 1000)
	for i := range c {
		c[i] = make([]byte, 64<<10)
	}
	return c
}

func TestMemoryIsGivenBack(t *testing.T) {
	debug.FreeOSMemory()
	require.False(t, heapNow().wasteful(), "nothing to give back")
	c := crowd()
	runtime.GC()
	require.False(t, heapNow().wasteful(), "it is in use")
	runtime.KeepAlive(c)
	runtime.GC()
	require.True(t, heapNow().wasteful(), "the crowd has left")
	debug.FreeOSMemory()
	require.False(t, heapNow().wasteful())
	require.False(t, heap{live: 1 << 30, held: 1<<30 + 1<<28}.wasteful())
}

// A server on which nothing happens any more sees that a crowd has left, which takes a collection that nothing asks for.
func TestMemoryIsLookedAfter(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	k := memoryKeeper{from: collectFrom}
	k.look()
	c := crowd()
	runtime.GC()
	k.look()
	full := heapNow().held
	require.Greater(t, full, uint64(60<<20))
	runtime.KeepAlive(c)
	k.look()
	require.Less(t, heapNow().held, full/2)
	debug.FreeOSMemory()
	k.look()
	k.from = heapNow().held + 32<<20 // whatever other tests have left
	cycles := heapNow().cycles
	k.look()
	require.Equal(t, cycles, heapNow().cycles, "a small heap is left alone")
}
