package mp4

import (
	"encoding/binary"
	"fmt"
	"math"
)

// quota is how much the samples of a file can take at most: no more bytes than it has, and no more numbers than fit in memory.
type quota struct {
	size    int64 // of the file
	bytes   int64
	samples uint32
}

// take returns how many of n samples from a number on there are room for, which lie one behind the other at an offset.
func (q *quota) take(s *sampleTable, first, n uint32, at int64) (fit uint32) {
	if at < 0 || at > q.size {
		return 0
	}
	room := min(q.size-at, q.bytes)
	if s.size != 0 {
		if s.size > maxSampleSize {
			return 0
		}
		fit = uint32(min(int64(n), room/int64(s.size)))
		q.bytes -= int64(fit) * int64(s.size)
		return fit
	}
	for ; fit < n; fit++ {
		size := int64(s.sizeOf(first + fit))
		if size > room || size > maxSampleSize {
			break
		}
		room -= size
		q.bytes -= size
	}
	return fit
}

// fill makes a table of what the boxes say. It ends with the first sample that is not in the file.
func (q *quota) fill(t *table, s *sampleTable, c entries) error {
	g := c.grouping(s)
	if g == 0 && s.samples > q.samples {
		return fmt.Errorf("%w: more than %d samples", ErrMalformed, maxSamples)
	}
	if err := q.fillChunks(t, s, c, g); err != nil {
		return err
	}
	q.samples -= t.samples
	if g == 0 {
		t.fillSizes(s)
		t.times = fitRuns(readRuns(s.stts), t.samples, lastValue(s.stts))
		if t.offsets = readRuns(s.ctts); len(t.offsets) > 0 {
			t.offsets = fitRuns(t.offsets, t.samples, 0)
		}
		t.fillSync(s, c)
	}
	if len(t.offsets) == 1 && t.offsets[0].value == 0 {
		t.offsets = nil
	}
	t.end = t.start + lasting(t.times)
	return nil
}

// fillChunks joins stsc (8.7.4) and stco (8.7.5). The entry of the first chunk is one that can be read. With a grouping a
// sample of the table is as many of the file's.
func (q *quota) fillChunks(t *table, s *sampleTable, c entries, group uint32) error {
	t.chunks = make([]chunk, 0, min(s.chunks(), int(min(s.samples, maxSamples))))
	left, codec := s.samples, c.get(s.firstEntry()).track.Codec
	for i, entry, per := 0, s.stsc, uint32(0); i < s.chunks() && left > 0; i++ {
		for len(entry) >= 12 && binary.BigEndian.Uint32(entry) == uint32(i+1) {
			entry = entry[12:]
		}
		at := len(s.stsc) - len(entry) - 12
		if at < 0 || len(entry) > 0 && binary.BigEndian.Uint32(entry) <= uint32(i) {
			return fmt.Errorf("%w: stsc is not in order", ErrMalformed)
		}
		per = min(binary.BigEndian.Uint32(s.stsc[at+4:]), left)
		index := binary.BigEndian.Uint32(s.stsc[at+8:]) - 1
		if e := c.get(index); e == nil || e.track.Codec != codec {
			return nil // it cannot be read from here on
		}
		fit := q.take(s, s.samples-left, per, s.chunkAt(i))
		left -= fit
		if fit > 0 {
			t.chunks = append(t.chunks, chunk{s.chunkAt(i), t.samples, index})
			if group == 0 {
				t.samples += fit
			} else if err := q.addGroups(t, fit, group, s.size); err != nil {
				return err
			}
		}
		if fit < per {
			return nil
		}
	}
	return nil
}

// addGroups adds n samples of a size and of one unit as a few large ones.
func (q *quota) addGroups(t *table, n, group, size uint32) error {
	for n > 0 {
		k := min(n, group)
		if t.samples >= q.samples {
			return fmt.Errorf("%w: more than %d samples", ErrMalformed, maxSamples)
		}
		t.samples++
		t.sizes = append(t.sizes, k*size)
		t.times = addRun(t.times, 1, k)
		n -= k
	}
	t.allSync = true
	return nil
}

func (t *table) fillSizes(s *sampleTable) {
	if t.size = s.size; t.size != 0 {
		return
	}
	t.sizes = make([]uint32, t.samples)
	for i := range t.sizes {
		t.sizes[i] = s.sizeOf(uint32(i))
	}
}

// fillSync reads stss (8.6.2). Without one all samples are such, and those of sound are anyway.
func (t *table) fillSync(s *sampleTable, c entries) {
	if t.allSync = !s.hasSync || !c.video(); t.allSync {
		return
	}
	t.sync = make([]uint32, 0, min(len(s.stss)/4, int(t.samples)))
	for b := s.stss; len(b) >= 4; b = b[4:] {
		n := binary.BigEndian.Uint32(b)
		if n == 0 || n > t.samples || len(t.sync) > 0 && n-1 <= t.sync[len(t.sync)-1] {
			continue
		}
		t.sync = append(t.sync, n-1)
	}
}

// readRuns reads the entries of stts and ctts (8.6.1). It counts first what it keeps.
func readRuns(b []byte) []run {
	n, last := 0, uint32(0)
	for i := 0; i < len(b); i += 8 {
		if v := binary.BigEndian.Uint32(b[i+4:]); i == 0 || v != last {
			n, last = n+1, v
		}
	}
	list := make([]run, 0, n)
	left := uint32(math.MaxUint32)
	for ; len(b) > 0; b = b[8:] {
		count := min(binary.BigEndian.Uint32(b), left)
		left -= count
		list = addRun(list, count, binary.BigEndian.Uint32(b[4:]))
	}
	return list
}

// lastValue is that of the last entry of stts.
func lastValue(b []byte) uint32 {
	if len(b) == 0 {
		return 0
	}
	return binary.BigEndian.Uint32(b[len(b)-4:])
}
