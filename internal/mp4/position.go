package mp4

import "time"

// position is a sample of a track, with all that its tables say of it. To go on costs the same wherever it is.
type position struct {
	track  *track
	sample uint32
	chunk  int
	at     int64 // in the file
	dts    int64 // units from the first sample
	time   spot
	offset spot
	key    int // index of the first of sync that is not before the sample
}

// spot is a place in a list of runs.
type spot struct {
	run  int
	past uint32 // samples of the run before it
}

// value is that of the sample, 0 behind the end.
func (s *spot) value(list []run) uint32 {
	if s.run >= len(list) {
		return 0
	}
	return list[s.run].value
}

// next goes on by a sample.
func (s *spot) next(list []run) {
	if s.run >= len(list) {
		return
	}
	if s.past++; s.past >= list[s.run].count {
		s.run, s.past = s.run+1, 0
		s.skipEmpty(list)
	}
}

// skipEmpty passes runs that have no sample.
func (s *spot) skipEmpty(list []run) {
	for s.run < len(list) && list[s.run].count == 0 {
		s.run++
	}
}

// seek goes to a sample, and returns the sum of the values before it.
func (s *spot) seek(list []run, n uint32) (sum int64) {
	*s = spot{}
	for s.run < len(list) && n >= list[s.run].count {
		r := list[s.run]
		n -= r.count
		sum += int64(r.count) * int64(r.value)
		s.run++
	}
	if s.run < len(list) {
		s.past = n
		sum += int64(n) * int64(list[s.run].value)
	}
	return sum
}

// seek goes to a sample; behind the last it is the end.
func (p *position) seek(n uint32) {
	t := &p.track.table
	p.sample = min(n, t.samples)
	p.dts = p.time.seek(t.times, p.sample)
	p.offset.seek(t.offsets, p.sample)
	p.key = t.syncFrom(p.sample)
	if p.end() {
		return
	}
	p.chunk = t.chunkOf(p.sample)
	c := &t.chunks[p.chunk]
	p.at = c.at + t.bytes(c.first, p.sample)
}

// next goes on by a sample.
func (p *position) next() {
	t := &p.track.table
	p.at += int64(t.sizeOf(p.sample))
	p.dts += int64(p.time.value(t.times))
	p.time.next(t.times)
	p.offset.next(t.offsets)
	if p.key < len(t.sync) && t.sync[p.key] == p.sample {
		p.key++
	}
	p.sample++
	if !p.end() && p.sample == t.chunkEnd(p.chunk) {
		p.chunk++
		p.at = t.chunks[p.chunk].at
	}
}

func (p *position) end() bool     { return p.sample >= p.track.table.samples }
func (p *position) size() uint32  { return p.track.table.sizeOf(p.sample) }
func (p *position) sync() bool    { return p.track.table.isSync(p.sample, p.key) }
func (p *position) entry() *entry { return p.track.entries[p.track.table.chunks[p.chunk].entry] }

// decoded and shown are when the sample is, before the shift of the file.
func (p *position) decoded() time.Duration { return p.track.time(p.track.table.start + p.dts) }

func (p *position) shown() time.Duration {
	t := &p.track.table
	return p.track.time(t.start + p.dts + int64(int32(p.offset.value(t.offsets))) + t.lead)
}

// units is a time before the shift of the file, in units from the first sample.
func (p *position) units(at time.Duration) int64 {
	return unitsOf(at, p.track.scale) - p.track.origin - p.track.table.start
}

// seekFrom goes to the first sample that is not before a time; of video, to the first such at which decoding can start.
func (p *position) seekFrom(at time.Duration) {
	t := &p.track.table
	n := t.from(p.units(at-1) + 1)
	if p.track.first.Codec.Video() && !t.allSync {
		if i := t.syncFrom(n); i < len(t.sync) {
			n = t.sync[i]
		} else {
			n = t.samples
		}
	}
	p.seek(n)
}
