package mp4

import "sort"

// table says when the samples of a track are decoded and shown, and where they are. All are in decoding order.
type table struct {
	samples uint32   // how many
	size    uint32   // of each, if it is not 0
	sizes   []uint32 // of each, else
	start   int64    // decode time of the first, in units of the track
	end     int64    // and of what would follow the last
	times   []run    // how long they last
	offsets []run    // composition offsets, as int32 (8.6.1.3); none if all are 0
	chunks  []chunk
	sync    []uint32 // numbers of those at which decoding can start, from 0
	allSync bool
	lead    int64 // the largest offset below 0
	next    int64 // where the data of the last sample ends, if it has been added by add
}

// run is a number of samples that have one value (8.6.1.2.2).
type run struct{ count, value uint32 }

// chunk is samples that lie one behind the other (8.7.1).
type chunk struct {
	at    int64  // in the file
	first uint32 // number of the sample, from 0
	entry uint32 // index of the sample entry
}

// addRun appends a number of samples of one value.
func addRun(list []run, count, value uint32) []run {
	if n := len(list); n > 0 && list[n-1].value == value {
		list[n-1].count += count
		return list
	}
	return append(list, run{count, value})
}

// fitRuns makes runs cover n samples. What is missing has the value rest.
func fitRuns(list []run, n, rest uint32) []run {
	if n == 0 {
		return nil
	}
	for i := range list {
		if list[i].count >= n {
			list[i].count = n
			return list[:i+1]
		}
		n -= list[i].count
	}
	if n == 0 {
		return list
	}
	return addRun(list, n, rest)
}

// lasting sums up what runs say.
func lasting(list []run) (units int64) {
	for _, r := range list {
		units += int64(r.count) * int64(r.value)
	}
	return units
}

// sizeOf returns the size of a sample.
func (t *table) sizeOf(n uint32) uint32 {
	if t.size != 0 {
		return t.size
	}
	return t.sizes[n]
}

// bytes returns the size of the samples from one on to before another.
func (t *table) bytes(from, to uint32) (n int64) {
	if t.size != 0 {
		return int64(t.size) * int64(to-from)
	}
	for _, size := range t.sizes[from:to] {
		n += int64(size)
	}
	return n
}

// chunkEnd returns the number of the first sample behind a chunk.
func (t *table) chunkEnd(i int) uint32 {
	if i+1 < len(t.chunks) {
		return t.chunks[i+1].first
	}
	return t.samples
}

// chunkOf returns the index of the chunk that a sample is in.
func (t *table) chunkOf(n uint32) int {
	return sort.Search(len(t.chunks), func(i int) bool { return t.chunks[i].first > n }) - 1
}

// isSync reports whether decoding can start at a sample; it is the one at index i of sync if it is there at all.
func (t *table) isSync(n uint32, i int) bool {
	return t.allSync || i < len(t.sync) && t.sync[i] == n
}

// syncBefore returns the last sample not after n at which decoding can start, or the first there is.
func (t *table) syncBefore(n uint32) uint32 {
	if t.allSync || len(t.sync) == 0 {
		return n
	}
	return t.sync[max(t.syncFrom(n+1)-1, 0)]
}

// syncFrom returns the index of the first of sync that is not before n.
func (t *table) syncFrom(n uint32) int {
	return sort.Search(len(t.sync), func(i int) bool { return t.sync[i] >= n })
}

// at returns the last sample that is decoded not after a time, in units from the first; the first if there is none.
func (t *table) at(units int64) (n uint32) {
	units = max(units, 0)
	for _, r := range t.times {
		if span := int64(r.count) * int64(r.value); units >= span {
			units -= span
			n += r.count
			continue
		}
		return n + uint32(units/int64(r.value))
	}
	return max(n, 1) - 1
}

// from returns the first sample that is decoded not before a time, in units from the first; samples if there is none.
func (t *table) from(units int64) (n uint32) {
	for _, r := range t.times {
		if units <= 0 {
			return n
		}
		// The sample behind the run begins at its end, so it is in this one only if it begins earlier.
		value := int64(r.value)
		if span := int64(r.count) * value; units > span-value {
			units -= span
			n += r.count
			continue
		}
		return n + uint32((units+value-1)/value)
	}
	return n
}

// settle finds the largest offset below 0. Offsets that are out of all reason are dropped.
func (t *table) settle(scale uint32) {
	t.lead = 0
	for _, r := range t.offsets {
		offset := int64(int32(r.value))
		if !sane(offset, maxEdit, scale) {
			t.offsets, t.lead = nil, 0
			return
		}
		t.lead = max(t.lead, -offset)
	}
}
