package mp4

import (
	"encoding/binary"
	"errors"
	"time"
)

// ErrLong says that what was asked for is too long to be had in one.
var ErrLong = errors.New("mp4: too long")

// maxSegment is how many bytes of media a segment has at most.
const maxSegment = 1 << 30

// Init returns what players need before the segments of a file: ftyp, and a moov box without samples (14496-12, 8.8).
func (f *File) Init() []byte {
	w := &writer{}
	w.box("ftyp", func() {
		w.raw([]byte("iso6"))
		w.u32(1)
		w.raw([]byte("iso6mp41"))
	})
	w.box("moov", func() {
		movieHeader(w, f.mvhd, 1000, 0, uint32(len(f.tracks)+1))
		for i, t := range f.tracks {
			w.box("trak", func() {
				trackHeader(w, t, uint32(i+1), 0)
				mediaBox(w, t, 0, func() { emptyTable(w, t) })
			})
		}
		w.box("mvex", func() {
			for i := range f.tracks {
				w.full("trex", 0, 0, func() {
					w.u32(uint32(i + 1))
					w.u32(1)
					w.raw(make([]byte, 12))
				})
			}
		})
	})
	return w.b
}

// emptyTable appends what is in a stbl box of a track whose samples are in fragments.
func emptyTable(w *writer, t *track) {
	w.box("stsd", func() { w.raw(t.boxes.stsd) })
	for _, kind := range []string{"stts", "stsc", "stco"} {
		w.full(kind, 0, 0, func() { w.u32(0) })
	}
	w.full("stsz", 0, 0, func() { w.u64(0) })
}

// Segment returns a range as a fragment (8.8.4) that follows Init: its stamps are those of the file and so much more, though none is below
// 0, and its media are read from the file. It returns [ErrLong] for more than 1 GiB.
func (f *File) Segment(r Range, more time.Duration) (*Content, error) {
	c := &Content{}
	s := &fragment{file: f, media: c, more: f.shift + more}
	s.box("moof", func() {
		s.full("mfhd", 0, 0, func() { s.u32(r.First + 1) })
		for i, t := range f.tracks {
			s.track(uint32(i+1), t, r)
		}
	})
	if c.size > maxSegment {
		return nil, ErrLong
	}
	for _, at := range s.offsets {
		binary.BigEndian.PutUint32(s.b[at:], binary.BigEndian.Uint32(s.b[at:])+uint32(len(s.b))+8)
	}
	s.u32(uint32(c.size) + 8)
	s.raw([]byte("mdat"))
	c.front = s.b
	for i := range c.parts {
		c.parts[i].at += int64(len(s.b))
	}
	c.size += int64(len(s.b))
	return c, nil
}

// fragment is a moof box that is being written.
type fragment struct {
	writer
	file    *File
	media   *Content
	more    time.Duration // what is added to stamps
	offsets []int         // where fields are that count from the media on
}

// track appends what a range has of a track: a traf box for the samples of each sample entry.
func (s *fragment) track(id uint32, t *track, r Range) {
	first, end := s.file.interval(t, r)
	q := s.file.silenceFor(t, r)
	p := position{track: t}
	from := q.begin // the end of the sample before
	if first > 0 {
		p.seek(first - 1)
		from = p.dts + q.lasts
	}
	p.seek(first)
	at, before := q.within(from, q.next(&p))
	if first >= end && before > 0 {
		s.silent(id, t, &q, at, before)
	}
	for ; p.sample < end && !p.end(); before = 0 {
		s.run(id, &p, end, &q, before)
	}
}

// silent appends a traf box of nothing but silence.
func (s *fragment) silent(id uint32, t *track, q *silence, from, units int64) {
	s.traf(id, t, t.table.chunks[0].entry, from, func() uint32 { return s.fill(q, units, t.table.lead) })
}

// run appends a traf box, up to where the sample entry changes, and so many units of silence before.
func (s *fragment) run(id uint32, p *position, end uint32, q *silence, before int64) {
	t := p.track
	entry := t.table.chunks[p.chunk].entry
	s.traf(id, t, entry, p.dts-before, func() uint32 {
		count := s.fill(q, before, t.table.lead)
		for ; p.sample < end && !p.end() && t.table.chunks[p.chunk].entry == entry; p.next() {
			count += s.sample(p, q)
		}
		return count
	})
}

// traf appends a traf box (8.8.6) of samples of a sample entry from a time on. samples appends their entries and returns how many.
func (s *fragment) traf(id uint32, t *track, entry uint32, at int64, samples func() uint32) {
	s.box("traf", func() {
		s.full("tfhd", 0, 0x020002, func() { // default-base-is-moof, sample-description-index
			s.u32(id)
			s.u32(entry + 1)
		})
		s.full("tfdt", 1, 0, func() {
			s.u64(uint64(max(t.table.start+at+t.origin+unitsOf(s.more, t.scale), 0)))
		})
		s.full("trun", 1, 0xf01, func() { // data offset; duration, size, flags and composition offset of each
			count := len(s.b)
			s.u32(0)
			s.offsets = append(s.offsets, len(s.b))
			s.u32(uint32(min(s.media.size, maxSegment)))
			n := samples()
			binary.BigEndian.PutUint32(s.b[count:], n)
		})
	})
}

// sample appends an entry of a trun box (8.8.8), and those of the silence behind it, and returns how many.
func (s *fragment) sample(p *position, q *silence) (count uint32) {
	t := &p.track.table
	lasts := p.time.value(t.times)
	next := p.dts + int64(lasts)
	if p.sample+1 >= t.samples { // no sound follows
		next = q.end
	}
	_, units := q.within(p.dts+q.lasts, next)
	if units > 0 {
		lasts = uint32(q.lasts)
	}
	s.entry(lasts, p.size(), p.sync(), p.offset.value(t.offsets)+uint32(t.lead))
	s.media.add(s.file.r, p.at, int64(p.size()))
	return 1 + s.fill(q, units, t.lead)
}

// entry appends an entry of a trun box.
func (s *fragment) entry(lasts, size uint32, sync bool, offset uint32) {
	const depends, free = 0x01010000, 0x02000000
	flags := uint32(depends)
	if sync {
		flags = free
	}
	s.u32(lasts)
	s.u32(size)
	s.u32(flags)
	s.u32(offset)
}
