package main

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// lookEvery is how often the server looks whether it holds memory that it does not need.
const lookEvery = 15 * time.Second

// giveBack returns memory to the system after a crowd has left. The runtime does that too, but slowly, and a server on
// which little happens collects its garbage every two minutes only.
func giveBack(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if live, held := heap(); wasteful(live, held) {
			debug.FreeOSMemory()
		}
	}
}

// wasteful reports whether a heap that holds so many bytes has most of them for nothing: what was alive at the last
// collection is less than half of it. A collection takes time, so that a few megabytes are no reason.
func wasteful(live, held uint64) bool { return held > 2*live+8<<20 }

// heap returns the bytes that were alive at the last collection, and those that the heap has from the system.
func heap() (live, held uint64) {
	s := []metrics.Sample{
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(s)
	for i := range s {
		if s[i].Value.Kind() != metrics.KindUint64 {
			return 0, 0 // another runtime
		}
	}
	return s[0].Value.Uint64(), s[1].Value.Uint64() + s[2].Value.Uint64() + s[3].Value.Uint64()
}
