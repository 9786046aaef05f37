package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryIsGivenBack(t *testing.T) {
	debug.FreeOSMemory()
	require.False(t, wasteful(heap()), "nothing to give back")
	crowd := make([][]byte, 1000)
	for i := range crowd {
		crowd[i] = make([]byte, 64<<10)
	}
	runtime.GC()
	require.False(t, wasteful(heap()), "it is in use")
	runtime.KeepAlive(crowd)
	runtime.GC()
	require.True(t, wasteful(heap()), "the crowd has left")
	debug.FreeOSMemory()
	require.False(t, wasteful(heap()))
	require.False(t, wasteful(1<<30, 1<<30+1<<28))
}
