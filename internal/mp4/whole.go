package mp4

import (
	"errors"
	"io"
	"time"
)

// Extent is how much of a segment is whole, and what time that takes.
type Extent struct {
	// Size is where the last whole fragment ends, in bytes of the segment.
	Size int64
	// First is when the first picture is decoded, and End when the last ends, as the stream counts: what other tracks have may begin a little
	// before. Without pictures it is that of any track.
	First, End time.Duration
}

// MeasureSegment finds out how much of a segment of size bytes is whole, whose initialization segment is init: all up to the end of the last
// fragment, a moof box with its mdat box behind it, that is in it to its end. If there is none it is ErrEmpty; other errors are those of
// [OpenSegment].
func MeasureSegment(init []byte, segment io.ReaderAt, size int64) (Extent, error) {
	whole, err := wholeFragments(segment, size)
	if err != nil {
		return Extent{}, err
	}
	if whole == 0 {
		return Extent{}, ErrEmpty
	}
	c := &Content{front: init, size: int64(len(init))}
	c.add(segment, 0, whole)
	f, err := OpenSegment(c, c.Size())
	switch {
	case err != nil:
		return Extent{}, err
	case f.samples() == 0:
		return Extent{}, ErrEmpty
	}
	x := Extent{Size: whole}
	x.First, x.End = f.span()
	return x, nil
}

// wholeFragments returns where the last whole fragment ends.
func wholeFragments(r io.ReaderAt, size int64) (whole int64, err error) {
	s := &scanner{r: r, size: size}
	moof := false
	for at := int64(0); ; {
		h, err := s.next(at)
		switch {
		case errors.Is(err, errEnd), err == nil && (h.boundary || h.is("moov")):
			return whole, nil
		case err != nil:
			return 0, err
		case h.is("moof"):
			moof = true
		case h.is("mdat") && moof:
			moof, whole = false, h.end
		}
		at = h.end
	}
}

func (f *File) samples() (n uint64) {
	for _, t := range f.tracks {
		n += uint64(t.table.samples)
	}
	return n
}

// span returns when the first sample of the lead is decoded and the last ends; of all tracks, if it has none.
func (f *File) span() (first, end time.Duration) {
	if lead := f.lead(); lead.table.samples > 0 {
		return lead.time(lead.table.start) + f.shift, lead.time(lead.table.end) + f.shift
	}
	first = f.duration
	for _, t := range f.tracks {
		if t.table.samples > 0 {
			first = min(first, t.time(t.table.start)+f.shift)
		}
	}
	return first, f.duration
}
