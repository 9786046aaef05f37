package mp4

import (
	"fmt"
	"math/bits"
)

// piece is a trun box (8.8.8), whose samples lie one behind the other.
type piece struct {
	track *track // nil: one that is skipped
	defaults
	flags      uint32
	firstFlags uint32
	count      uint32
	fields     []byte // of the samples
	width      int    // of those of one
	at         int64
	bytes      int64
	begins     uint64 // decode time of the first sample
	timed      bool   // begins is known
}

// parseRun reads a trun box. Its data is behind that of the run before, unless it says otherwise.
func (p *piece) parseRun(trun []byte, base, end int64, q *quota) error {
	f, _, flags := fullBox(trun)
	p.flags, p.count, p.at = flags, f.u32(), end
	if flags&runOffset != 0 {
		p.at = base + int64(int32(f.u32()))
	}
	if flags&runFirstFlags != 0 {
		p.firstFlags = f.u32()
	}
	p.width = 4 * bits.OnesCount32(flags&(runDurations|runSizes|runFlags|runCompositions))
	if f.short || uint64(p.count)*uint64(p.width) > uint64(len(f.b)) {
		return fmt.Errorf("%w: trun of %d bytes has %d samples", ErrMalformed, len(trun), p.count)
	}
	p.fields = f.b
	return p.measure(q)
}

// measure sums up the sizes of the samples, all of which must lie in the file.
func (p *piece) measure(q *quota) error {
	p.bytes = 0
	if p.flags&runSizes == 0 {
		// Samples that take no byte at all could be any number.
		if p.count > 0 && p.size == 0 || uint64(p.count)*uint64(p.size) > uint64(q.size) || p.size > maxSampleSize {
			return fmt.Errorf("%w: %d samples of %d bytes", ErrMalformed, p.count, p.size)
		}
		p.bytes = int64(p.count) * int64(p.size)
	} else {
		for i := range p.count {
			s := p.sample(i)
			if s.size > maxSampleSize {
				return fmt.Errorf("%w: a sample of %d bytes", ErrMalformed, s.size)
			}
			p.bytes += int64(s.size)
		}
	}
	if p.at < 0 || p.at > q.size || p.bytes > q.size-p.at {
		return fmt.Errorf("%w: %d bytes of samples at %d are not in the file", ErrMalformed, p.bytes, p.at)
	}
	return nil
}

// sampleHead is what a trun box says of a sample.
type sampleHead struct{ duration, size, flags, composed uint32 }

// sample returns what is said of a sample.
func (p *piece) sample(i uint32) sampleHead {
	s := sampleHead{duration: p.duration, size: p.size, flags: p.defaults.flags}
	if i == 0 && p.flags&runFirstFlags != 0 {
		s.flags = p.firstFlags
	}
	f := fields{b: p.fields[int(i)*p.width:][:p.width]}
	if p.flags&runDurations != 0 {
		s.duration = f.u32()
	}
	if p.flags&runSizes != 0 {
		s.size = f.u32()
	}
	if p.flags&runFlags != 0 {
		s.flags = f.u32()
	}
	if p.flags&runCompositions != 0 {
		s.composed = f.u32()
	}
	return s
}

// isSync reports whether decoding can start at a sample of such flags (8.8.3.1): it is not a non-sync one, and depends on no
// other.
func isSync(flags uint32) bool { return flags&0x10000 == 0 && flags>>24&3 != 1 }

// lasts returns how long the samples of a piece last.
func (p *piece) lasts() (units uint64) {
	if p.flags&runDurations == 0 {
		return uint64(p.count) * uint64(p.duration)
	}
	for i := range p.count {
		units += uint64(p.sample(i).duration)
	}
	return units
}
