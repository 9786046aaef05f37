package mp4

import (
	"encoding/binary"
	"math"
)

// plan is a finished file.
type plan struct {
	*movie
	*layout
	scale  uint32  // of the movie
	extra  []byte  // boxes that go into udta
	starts []start // of each track
}

// start is how the presentation of a track begins: a while of nothing, and then the media from a time on. Both are 0 where no
// edit list is needed.
type start struct {
	delay uint64 // in units of the movie
	from  int64  // in units of the track
	shown int64  // when the last sample has been shown, from the beginning of the media
}

// newPlan finds a timescale that no track is finer than: so what is converted to it and back is what it was.
func newPlan(m *movie, extra []byte) *plan {
	p := &plan{movie: m, layout: newLayout(m.tracks), extra: extra, scale: 1}
	for _, t := range m.tracks {
		p.scale = max(p.scale, t.scale)
	}
	begins := int64(math.MaxInt64)
	for _, t := range m.tracks {
		begins = min(begins, rescale(max(t.table.start-t.edit.from, 0), t.scale, p.scale))
	}
	for _, t := range m.tracks {
		p.starts = append(p.starts, t.starts(p.scale, begins))
	}
	return p
}

// starts returns how a track begins in a movie that begins at a time of the fragments. If there is an edit at all, it also has
// the time before the first picture, since players take what an edit begins with to be shown at once.
func (t *track) starts(scale uint32, begins int64) (s start) {
	first, last := t.table.shown()
	s.shown = last
	ahead := t.table.start - t.edit.from
	s.from = max(-ahead, 0)
	ahead = max(ahead, 0) + t.edit.delay
	if s.from == 0 && rescale(ahead, t.scale, scale) == begins {
		return s
	}
	if first > s.from {
		ahead += first - s.from
		s.from = first
	}
	s.delay = uint64(max(rescale(ahead, t.scale, scale)-begins, 0))
	return s
}

// shown returns when the first and the last sample of all begin and end to be shown, from the decode time of the first.
func (t *table) shown() (first, last int64) {
	var at, offset spot
	first, dts := int64(1)<<62, int64(0)
	for range t.samples {
		lasts := int64(at.value(t.times))
		composed := dts + int64(int32(offset.value(t.offsets)))
		first, last = min(first, composed), max(last, composed+lasts)
		dts += lasts
		at.next(t.times)
		offset.next(t.offsets)
	}
	return max(first, 0), last
}

// moov returns the moov box (8.2.1). Its size does not depend on where the media is.
func (p *plan) moov() []byte {
	w := &writer{}
	offsets := p.offsets()
	w.box("moov", func() {
		p.header(w)
		for i, t := range p.movie.tracks {
			w.box("trak", func() { p.trak(w, t, p.starts[i], offsets[i]) })
		}
		if udta := p.cloneUDTA(); p.udta != nil || len(p.extra) > 0 {
			w.box("udta", func() {
				w.raw(udta)
				w.raw(p.extra)
			})
		}
		w.raw(p.rest)
	})
	return w.b
}

// duration is that of a track, in units of the movie.
func (p *plan) duration(t *track, s start) uint64 {
	return s.delay + uint64(max(p.lasts(t, s), 0))
}

// lasts is how long a track is shown, in units of the movie, rounded up so that nothing is cut.
func (p *plan) lasts(t *track, s start) int64 {
	units := max(s.shown-s.from, 0)
	n := rescale(units, t.scale, p.scale)
	if rescale(n, p.scale, t.scale) < units {
		n++
	}
	return n
}

// header appends mvhd (8.2.2).
func (p *plan) header(w *writer) {
	longest, id := uint64(0), uint32(0)
	for i, t := range p.movie.tracks {
		longest = max(longest, p.duration(t, p.starts[i]))
		id = max(id, t.number)
	}
	movieHeader(w, p.mvhd, p.scale, longest, max(id+1, id))
}

// movieHeader appends a mvhd box like another, with timescale, duration and next_track_ID.
func movieHeader(w *writer, like []byte, scale uint32, duration uint64, next uint32) {
	f, version, flags := fullBox(like)
	created, modified := f.sized(version), f.sized(version)
	f.u32()
	f.sized(version)
	rest := f.bytes(76) // rate, volume, matrix, pre_defined
	version = versionFor(created, modified, duration)
	w.full("mvhd", version, flags, func() {
		w.sized(version, created)
		w.sized(version, modified)
		w.u32(scale)
		w.sized(version, duration)
		if rest == nil {
			rest = plainHeader()
		}
		w.raw(rest)
		w.u32(next)
	})
}

// plainHeader is the rest of a mvhd box that is too short: rate and volume of 1, and the matrix that changes nothing.
func plainHeader() []byte {
	b := make([]byte, 76)
	binary.BigEndian.PutUint32(b, 1<<16)
	b[4] = 1
	for i, v := range []uint32{1 << 16, 1 << 16, 1 << 30} {
		binary.BigEndian.PutUint32(b[16+16*i:], v)
	}
	return b
}

// trak appends what is in a trak box (8.3.1).
func (p *plan) trak(w *writer, t *track, s start, offsets []int64) {
	trackHeader(w, t, t.number, p.duration(t, s))
	p.edits(w, t, s)
	mediaBox(w, t, uint64(max(t.table.end-t.table.start, 0)), func() { t.table.write(w, t, offsets, p.wide) })
	w.raw(t.boxes.rest)
}

// trackHeader appends tkhd (8.3.2): that of the source with number and duration.
func trackHeader(w *writer, t *track, id uint32, duration uint64) {
	f, version, flags := fullBox(t.boxes.tkhd)
	created, modified := f.sized(version), f.sized(version)
	f.u32()
	reserved := f.u32()
	f.sized(version)
	rest := f.b // layer, volume, matrix, width, height
	version = versionFor(created, modified, duration)
	w.full("tkhd", version, flags, func() {
		w.sized(version, created)
		w.sized(version, modified)
		w.u32(id)
		w.u32(reserved)
		w.sized(version, duration)
		w.raw(rest)
	})
}

// mediaBox appends mdia (8.4): that of the source with duration and sample table.
func mediaBox(w *writer, t *track, duration uint64, table func()) {
	w.box("mdia", func() {
		mediaHeader(w, t, duration)
		w.raw(t.boxes.hdlr)
		w.box("minf", func() {
			w.raw(t.boxes.media)
			w.box("stbl", table)
		})
	})
}

// edits appends an edit list (8.6.6), if it is needed.
func (p *plan) edits(w *writer, t *track, s start) {
	if s.delay == 0 && s.from == 0 {
		return
	}
	lasts := uint64(p.lasts(t, s))
	version := versionFor(s.delay, lasts, uint64(s.from)<<1) // media_time has a sign
	entry := func(duration, from uint64) {
		w.sized(version, duration)
		w.sized(version, from)
		w.u32(1 << 16)
	}
	w.box("edts", func() {
		w.full("elst", version, 0, func() {
			if s.delay == 0 {
				w.u32(1)
			} else {
				w.u32(2)
				entry(s.delay, 1<<64-1)
			}
			entry(lasts, uint64(s.from))
		})
	})
}

// mediaHeader appends mdhd (8.4.2): that of the source with the duration.
func mediaHeader(w *writer, t *track, duration uint64) {
	f, version, flags := fullBox(t.boxes.mdhd)
	created, modified := f.sized(version), f.sized(version)
	f.u32()
	f.sized(version)
	language := f.u32()
	version = versionFor(created, modified, duration)
	w.full("mdhd", version, flags, func() {
		w.sized(version, created)
		w.sized(version, modified)
		w.u32(t.scale)
		w.sized(version, duration)
		w.u32(language)
	})
}
