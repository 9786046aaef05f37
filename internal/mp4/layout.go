package mp4

import (
	"iter"
	"math"
)

// layout is where the media of a finished file is: the same chunks as in the fragmented one, in the same order.
type layout struct {
	tracks []*track
	bytes  int64 // of all
	wide   bool  // offsets need 64 bits
	at     int64 // of the first byte
}

// narrow is how much media there can be for offsets of 32 bits: what comes before it is less than the rest of 4 GiB.
const narrow = 3 << 30

// newLayout sums up the media of tracks.
func newLayout(tracks []*track) *layout {
	l := &layout{tracks: tracks}
	for _, t := range tracks {
		l.bytes += t.table.bytes(0, t.table.samples)
	}
	l.wide = l.bytes > narrow
	return l
}

// place has the media follow so many bytes.
func (l *layout) place(at int64) { l.at = at }

// headSize is that of the head of the mdat box.
func (l *layout) headSize() int64 {
	if l.bytes > math.MaxUint32-8 {
		return 16
	}
	return 8
}

// stretch is a chunk of a track as it lies in the source.
type stretch struct {
	track  int
	at     int64
	length int64
}

// stretches yields the chunks of all tracks by where they are in the source. Those of a track stay in decoding order, whatever
// order they lie in.
func (l *layout) stretches() iter.Seq[stretch] {
	return func(yield func(stretch) bool) {
		next := make([]int, len(l.tracks))
		for {
			first := -1
			for i, t := range l.tracks {
				if next[i] < len(t.table.chunks) && (first < 0 || t.table.chunks[next[i]].at < l.tracks[first].table.chunks[next[first]].at) {
					first = i
				}
			}
			if first < 0 {
				return
			}
			table, i := &l.tracks[first].table, next[first]
			next[first]++
			c := table.chunks[i]
			if !yield(stretch{first, c.at, table.bytes(c.first, table.chunkEnd(i))}) {
				return
			}
		}
	}
}

// offsets returns where the chunks of each track are in the finished file.
func (l *layout) offsets() [][]int64 {
	list := make([][]int64, len(l.tracks))
	for i, t := range l.tracks {
		list[i] = make([]int64, 0, len(t.table.chunks))
	}
	at := l.at
	for s := range l.stretches() {
		list[s.track] = append(list[s.track], at)
		at += s.length
	}
	return list
}
