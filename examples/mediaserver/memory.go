package main

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// lookEvery is how often the server looks whether it holds memory that it does not need.
const lookEvery = 15 * time.Second

// giveBack returns memory to the system after a crowd has left. The runtime does that too, but slowly, and a server on
// which little happens collects its garbage every two minutes only: until then it takes what has gone for alive.
func giveBack(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for k := (memoryKeeper{from: collectFrom}); ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			k.look()
		}
	}
}

// memoryKeeper looks after the memory of the process now and then.
type memoryKeeper struct {
	from   uint64 // how many bytes a heap holds that is looked into although nothing else asks for it
	cycles uint64 // collections when it looked last
}

// look collects garbage if nobody has since the last time, and gives back what is held for nothing.
func (k *memoryKeeper) look() {
	h := heapNow()
	if h.cycles == k.cycles && h.held > k.from {
		runtime.GC()
		h = heapNow()
	}
	if h.wasteful() {
		debug.FreeOSMemory()
		h = heapNow()
	}
	k.cycles = h.cycles
}

// collectFrom is [memoryKeeper.from] of the server.
const collectFrom = 16 << 20

// heap is what the runtime says of its memory.
type heap struct {
	live   uint64 // bytes that were alive at the last collection
	held   uint64 // bytes that the heap has from the system
	cycles uint64 // collections since the start
}

// wasteful reports whether a heap has most of its bytes for nothing: what was alive at the last collection is less than
// half of it. Giving back takes time, so that a few megabytes are no reason.
func (h heap) wasteful() bool { return h.held > 2*h.live+8<<20 }

// heapNow asks the runtime.
func heapNow() heap {
	s := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/gc/cycles/total:gc-cycles"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(s)
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return heap{} // another runtime
		}
	}
	value := func(i int) uint64 { return s[i].Value.Uint64() }
	return heap{live: value(0), cycles: value(1), held: value(2) + value(3) + value(4)}
}
