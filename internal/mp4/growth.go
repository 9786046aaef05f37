package mp4

import (
	"math"
)

// openForMore makes a table, which can be that of a moov box, one that samples can be added to.
func (t *table) openForMore() {
	if t.size != 0 {
		for range t.samples {
			t.sizes = append(t.sizes, t.size)
		}
		t.size = 0
	}
	if t.samples == 0 {
		t.allSync = true
	}
}

// goOn has the next sample begin at a time. The sample before lasts until then: longer, where something is missing, or shorter,
// if it is itself longer than the overlap. Else the time has stepped back, and the samples follow those before.
func (t *table) goOn(begins int64) {
	if t.samples == 0 {
		t.start, t.end = begins, begins
		return
	}
	last := &t.times[len(t.times)-1]
	lasts := int64(last.value) + begins - t.end
	if lasts == int64(last.value) || lasts <= 0 {
		return
	}
	lasts = min(lasts, math.MaxUint32)
	t.end += lasts - int64(last.value)
	if last.count--; last.count == 0 {
		t.times = t.times[:len(t.times)-1]
	}
	t.times = addRun(t.times, 1, uint32(lasts))
}

// addChunk begins a chunk, unless what follows lies right behind the one before.
func (t *table) addChunk(at int64, entry uint32) {
	if n := len(t.chunks); n > 0 && t.chunks[n-1].entry == entry && t.next == at {
		return
	}
	t.chunks = append(t.chunks, chunk{at, t.samples, entry})
	t.next = at
}

// add adds a sample.
func (t *table) add(s sampleHead, sync bool) {
	switch {
	case !sync && t.allSync:
		t.allSync = false
		for i := range t.samples {
			t.sync = append(t.sync, i)
		}
	case sync && !t.allSync:
		t.sync = append(t.sync, t.samples)
	}
	if s.composed != 0 && len(t.offsets) == 0 && t.samples > 0 {
		t.offsets = addRun(t.offsets, t.samples, 0)
	}
	if s.composed != 0 || len(t.offsets) > 0 {
		t.offsets = addRun(t.offsets, 1, s.composed)
	}
	t.times = addRun(t.times, 1, s.duration)
	t.sizes = append(t.sizes, s.size)
	t.samples++
	t.end += int64(s.duration)
	t.next += int64(s.size)
}

// addSingles adds samples that are single values of sound as a few large ones.
func (t *table) addSingles(n, size uint32) {
	for n > 0 {
		k := min(n, groupSize)
		t.add(sampleHead{duration: k, size: k * size}, true)
		n -= k
	}
}
