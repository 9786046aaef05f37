package mp4

import (
	"errors"
	"io"
	"slices"
	"time"

	"github.com/sluice-media/sluice/media"
)

// File is the index of a file. It does not change, and any number of cursors read by it at the same time.
type File struct {
	r          io.ReaderAt
	size       int64
	mvhd       []byte
	tracks     []*track
	described  []*media.Track
	skipped    []string
	uuids      map[[16]byte][]byte
	fragmented bool
	first      time.Duration // the earliest stamp, without the shift
	shift      time.Duration // what is added to all stamps
	duration   time.Duration
}

// Open reads the index of an MP4 or QuickTime file of a size. Samples that are not in the file are left out with those that
// follow them, and so is the last fragment if it is cut. Without an index it is ErrNoMovie; where no track can be read,
// ErrNoTracks; where boxes contradict each other, ErrMalformed. Errors of r are wrapped.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f, m, err := open(r, size)
	if err != nil {
		return nil, err
	}
	m.release()
	f.mvhd = m.mvhd
	return f, nil
}

// open is Open, and leaves the moov box as well.
func open(r io.ReaderAt, size int64) (*File, *movie, error) {
	m, err := read(r, size)
	if err != nil {
		return nil, nil, err
	}
	m.keep()
	f := newFile(r, size, m)
	if f.first < 0 || f.fragmented { // the times of fragments can be those of a stream that had been on air for long
		f.shift = -f.first
	}
	f.measure()
	return f, m, nil
}

// read reads the movie box, and those of the fragments.
func read(r io.ReaderAt, size int64) (*movie, error) {
	s := &scanner{r: r, size: size}
	h, err := findMovie(s)
	if err != nil {
		return nil, err
	}
	moov, err := s.load(h, maxMovie, nil)
	if err != nil {
		return nil, err
	}
	q := &quota{size: size, bytes: size, samples: maxSamples}
	if len(moov) <= len(s.buf) {
		moov = slices.Clone(moov) // what the window holds is overwritten by what is read next
	}
	m, err := parseMovie(moov, q)
	if err != nil {
		return nil, err
	}
	if m.trex != nil {
		x := &fragments{movie: m, quota: q}
		if err := x.read(s, h.end); err != nil {
			return nil, err
		}
	}
	if len(m.tracks) == 0 {
		return nil, ErrNoTracks
	}
	return m, nil
}

// OpenSegment reads an initialization segment and a segment behind it, as live streams have them (RFC 8216, 3.3), of size bytes in all.
// Other than in a file that [Open] reads, stamps are those of the stream, and tracks without samples stay: they may have some in the next
// segment. Errors are those of Open.
func OpenSegment(r io.ReaderAt, size int64) (*File, error) {
	m, err := read(r, size)
	if err != nil {
		return nil, err
	}
	f := newFile(r, size, m)
	f.measure()
	return f, nil
}

// findMovie returns where the moov box is.
func findMovie(s *scanner) (head, error) {
	for at := int64(0); ; {
		h, err := s.next(at)
		switch {
		case errors.Is(err, errEnd):
			return h, ErrNoMovie
		case err != nil:
			return h, err
		case h.is("moov") && !h.boundary:
			return h, nil
		}
		at = h.end
	}
}

// newFile puts the tracks on one timeline.
func newFile(r io.ReaderAt, size int64, m *movie) *File {
	m.describe()
	f := &File{r: r, size: size, tracks: m.tracks, skipped: m.skipped, uuids: m.uuids, fragmented: m.trex != nil}
	f.first = time.Duration(1<<63 - 1)
	for _, t := range f.tracks {
		t.table.settle(t.scale)
		t.origin = t.edit.delay - t.edit.from - t.table.lead
		f.first = min(f.first, t.time(t.table.start))
		f.described = append(f.described, t.first)
	}
	return f
}

// measure notes how long the file is.
func (f *File) measure() {
	for _, t := range f.tracks {
		f.duration = max(f.duration, t.time(t.table.end)+f.shift)
	}
}

// time converts a decode time of the track.
func (t *track) time(units int64) time.Duration { return durationOf(units+t.origin, t.scale) }

// Tracks returns the tracks, at most 16, with IDs from 1 on. They must not be changed.
func (f *File) Tracks() []*media.Track { return slices.Clone(f.described) }

// Skipped names what tracks were left out have: a sample entry, or a handler if there is none that is known.
func (f *File) Skipped() []string { return slices.Clone(f.skipped) }

// Duration returns when the last sample ends.
func (f *File) Duration() time.Duration { return f.duration }

// Fragmented reports whether the file is made of fragments.
func (f *File) Fragmented() bool { return f.fragmented }

// UUID returns what is in the user extension of an ID in moov/udta or moov, nil if there is none. It must not be changed.
func (f *File) UUID(id [16]byte) []byte { return f.uuids[id] }
