package mp4

import (
	"iter"
	"math"
	"time"
)

// Range is a part of a file: samples of its lead, which is the first track of pictures or, without pictures, the first track, and
// what is decoded of the others meanwhile. Ranges that follow each other have each sample once.
type Range struct {
	// First is the number of the first sample of the lead, from 0; End that of the first behind the range.
	First, End uint32
	// Start is when First is decoded; Length how long it takes until End is.
	Start, Length time.Duration
}

// Range returns what is decoded from one time to another, and before it what there is from the last key frame on. It is empty where
// there is nothing.
func (f *File) Range(from, to time.Duration) Range {
	lead := f.lead()
	table := &lead.table
	if table.samples == 0 || to <= from {
		return Range{}
	}
	p := position{track: lead}
	from, to = max(from, 0), min(to, f.duration)
	first := table.syncBefore(table.at(p.units(from - f.shift)))
	end := table.samples
	if to < f.duration {
		end = min(table.from(p.units(to-f.shift-1)+1), table.samples)
	}
	r, _ := f.Samples(first, end)
	return r
}

// Samples returns the range of samples of the lead, and whether there is one of those numbers.
func (f *File) Samples(first, end uint32) (r Range, ok bool) {
	if first >= end || end > f.lead().table.samples {
		return r, false
	}
	r = Range{First: first, End: end, Start: f.leadAt(first)}
	r.Length = f.leadAt(end) - r.Start
	return r, true
}

// leadAt is when a sample of the lead is decoded; behind the last, when that ends.
func (f *File) leadAt(n uint32) time.Duration {
	p := position{track: f.lead()}
	return p.track.time(p.track.table.start+p.time.seek(p.track.table.times, n)) + f.shift
}

// Cut cuts a range into such as last a time or longer, but for the last of them. Each but the first begins with a key frame.
func (f *File) Cut(r Range, least time.Duration) iter.Seq[Range] {
	return func(yield func(Range) bool) {
		p := position{track: f.lead()}
		p.seek(r.First)
		first, start := r.First, p.decoded()
		for ; p.sample < r.End && !p.end(); p.next() {
			if at := p.decoded(); p.sync() && p.sample > first && at-start >= least {
				if !yield(Range{first, p.sample, start + f.shift, at - start}) {
					return
				}
				first, start = p.sample, at
			}
		}
		if first < r.End {
			yield(Range{first, r.End, start + f.shift, p.track.time(p.track.table.start+p.dts) - start})
		}
	}
}

// lead returns the track by which a file is cut.
func (f *File) lead() *track {
	for _, t := range f.tracks {
		if t.first.Codec.Video() {
			return t
		}
	}
	return f.tracks[0]
}

// interval returns the numbers of the samples of a track that a range has. Sound before the first picture, and behind the last, is in
// the first range, and in the last.
func (f *File) interval(t *track, r Range) (first, end uint32) {
	lead := f.lead()
	if t == lead {
		return r.First, r.End
	}
	from, to := int64(0), int64(math.MaxInt64)
	p := position{track: t}
	if r.First > 0 {
		from = p.units(r.Start-f.shift-1) + 1
	}
	if r.End < lead.table.samples {
		to = p.units(r.Start+r.Length-f.shift-1) + 1
	}
	return t.table.from(from), t.table.from(to)
}

// Ahead is how much earlier than its lead a range begins: with sound.
func (f *File) Ahead(r Range) (d time.Duration) {
	for _, t := range f.tracks {
		if first, end := f.interval(t, r); first < end {
			p := position{track: t}
			p.seek(first)
			d = max(d, r.Start-p.decoded()-f.shift)
		}
	}
	return d
}
