package hls

import "time"

const (
	// fastest is the bit rate, in bytes a second, that segments have room for, and maxSegment how large one is at most: a publisher
	// says by its stamps how long its pictures last, and may send any number of bytes in a second of those.
	fastest    = 100e6 / 8
	maxSegment = 64 << 20
	// mostKept is how many bytes of segments are kept at most, whatever their number.
	mostKept = 512 << 20
)

// largest is how large a segment is at most.
func (l *Live) largest() int { return min(int(l.target/time.Second)*fastest, maxSegment) }

// mostBytes is how much is kept at most, for which segments leave the playlists before their time: as many of the largest as the
// playlist has, three at least, those that are kept besides, the one that has just left it and the one that comes.
func (l *Live) mostBytes() int64 {
	return min(int64(max(l.cfg.Count, atLeast)+l.cfg.Delay+l.cfg.Retain+2)*int64(l.largest()), mostKept)
}

// shed lets go of the oldest segments while there are too many bytes. All are complete. l.mu is held.
func (l *Live) shed() {
	most := l.mostBytes() - int64(l.largest())
	rest, n := l.size, 0
	for rest > most && n < len(l.list)-1 {
		rest -= int64(l.list[n].size)
		n++
	}
	l.window.slide(l.list, n)
	l.delayed.slide(l.list, n)
	l.drop(n)
}
