package mp4

import (
	"errors"
	"fmt"
	"math"
)

// defaults are what samples of fragments have that do not say otherwise (14496-12, 8.8.3 and 8.8.7).
type defaults struct{ entry, duration, size, flags uint32 }

// parseDefaults reads the trex boxes of mvex.
func (m *movie) parseDefaults(mvex []byte) {
	if m.trex == nil {
		m.trex = map[uint32]defaults{}
	}
	for b := range boxesIn(mvex) {
		if string(b.kind[:]) != "trex" || len(m.trex) >= maxDefaults {
			continue
		}
		f, _, _ := fullBox(b.body)
		m.trex[f.u32()] = defaults{f.u32(), f.u32(), f.u32(), f.u32()}
	}
}

// The flags of tfhd and trun that matter.
const (
	baseDataOffset  = 0x1
	entryPresent    = 0x2
	durationPresent = 0x8
	sizePresent     = 0x10
	flagsPresent    = 0x20
	baseIsMoof      = 0x20000

	runOffset       = 0x1
	runFirstFlags   = 0x4
	runDurations    = 0x100
	runSizes        = 0x200
	runFlags        = 0x400
	runCompositions = 0x800
)

// fragments reads the fragments of a file.
type fragments struct {
	*movie
	quota  *quota
	byID   map[uint32]*track
	pieces []piece // of the fragment at hand
	buf    []byte
}

// read adds the fragments that begin at an offset or behind it to the tables. One that is not whole is passed over: as a rule it is the
// last, but a power cut may leave damage before what was written later.
func (x *fragments) read(s *scanner, at int64) error {
	x.byID = map[uint32]*track{}
	for _, t := range x.tracks {
		x.byID[t.number] = t
	}
	for {
		next, err := x.step(s, at)
		switch {
		case errors.Is(err, errEnd):
			found, ok := s.resync(at + 1)
			if !ok {
				return nil
			}
			next = found
		case errors.Is(err, errMovie):
			return nil
		case err != nil:
			return err
		}
		at = next
	}
}

// errMovie says that what follows is another movie.
var errMovie = errors.New("mp4: another movie")

// step reads the box at an offset, and returns where the next is. It returns errEnd if there is none, or it is not whole.
func (x *fragments) step(s *scanner, at int64) (next int64, err error) {
	h, err := s.next(at)
	switch {
	case err != nil:
		return 0, err
	case h.is("moov"):
		return 0, errMovie
	case h.boundary: // it is cut, or what is here is no box
		return 0, errEnd
	case !h.is("moof"):
		return h.end, nil
	}
	body, err := s.load(h, maxFragment, x.buf)
	if errors.Is(err, ErrMalformed) || err == nil && x.parse(body, h.at) != nil {
		return 0, errEnd
	}
	if err != nil {
		return 0, err
	}
	if len(body) > len(s.buf) {
		x.buf = body
	}
	if !x.commit() {
		return 0, errEnd
	}
	return h.end, nil
}

// parse reads a moof box (8.8.4) that is at an offset. Nothing is changed but pieces.
func (x *fragments) parse(moof []byte, at int64) error {
	x.pieces = x.pieces[:0]
	end := at // of the data of the track fragment before
	for b := range boxesIn(moof) {
		if string(b.kind[:]) != "traf" {
			continue
		}
		var err error
		if end, err = x.parseTrack(b.body, at, end); err != nil {
			return err
		}
	}
	return x.affordable()
}

// parseTrack reads a traf box (8.8.6) of a moof that is at an offset; before is the end of the data of the one before.
func (x *fragments) parseTrack(traf []byte, moof, before int64) (end int64, err error) {
	p := piece{}
	base := before
	found := false
	for b := range boxesIn(traf) {
		switch string(b.kind[:]) {
		case "tfhd":
			found = true
			base = x.parseHead(&p, b.body, moof, before)
		case "tfdt": // 8.8.12
			f, version, _ := fullBox(b.body)
			p.begins = f.sized(version)
			p.timed = !f.short
		}
	}
	if !found {
		return 0, fmt.Errorf("%w: traf without tfhd", ErrMalformed)
	}
	end = base
	for b := range boxesIn(traf) {
		if string(b.kind[:]) != "trun" {
			continue
		}
		if err := p.parseRun(b.body, base, end, x.quota); err != nil {
			return 0, err
		}
		end = p.at + p.bytes
		if p.track != nil && p.count > 0 {
			x.pieces = append(x.pieces, p)
			p.timed = false
		}
	}
	return end, nil
}

// parseHead reads a tfhd box (8.8.7), and returns what offsets of its runs count from.
func (x *fragments) parseHead(p *piece, tfhd []byte, moof, before int64) (base int64) {
	f, _, flags := fullBox(tfhd)
	id := f.u32()
	p.track, p.defaults = x.byID[id], x.trex[id]
	base = before
	switch {
	case flags&baseDataOffset != 0:
		base = int64(min(f.u64(), math.MaxInt64/2))
	case flags&baseIsMoof != 0:
		base = moof
	}
	for _, v := range []struct {
		flag uint32
		into *uint32
	}{
		{entryPresent, &p.entry}, {durationPresent, &p.duration}, {sizePresent, &p.size}, {flagsPresent, &p.defaults.flags},
	} {
		if flags&v.flag != 0 {
			*v.into = f.u32()
		}
	}
	return base
}

// affordable checks what all samples of the fragment take, and that codecs do not change.
func (x *fragments) affordable() error {
	bytes, samples := int64(0), uint64(0)
	for i := range x.pieces {
		p := &x.pieces[i]
		bytes += p.bytes
		samples += uint64(p.count)
		if p.entry == 0 { // a trex box is missing
			p.entry = 1
		}
		p.entry--
		e := p.track.entries.get(p.entry)
		if e == nil || e.track.Codec != p.track.first.Codec {
			return fmt.Errorf("%w: another codec", ErrMalformed)
		}
	}
	if bytes > x.quota.bytes || samples > uint64(x.quota.samples) {
		return fmt.Errorf("%w: more samples than the file has bytes for", ErrMalformed)
	}
	x.quota.bytes -= bytes
	x.quota.samples -= uint32(samples)
	return nil
}

// commit adds the pieces to the tables. It reports false, and stops, where stamps are out of all reason.
func (x *fragments) commit() bool {
	for i := range x.pieces {
		p := &x.pieces[i]
		t := &p.track.table
		begins, limit := max(t.end, 0), int64(maxSeconds)*int64(p.track.scale)
		if p.timed {
			begins = max(begins, int64(min(p.begins, math.MaxInt64)))
		}
		if begins > limit || p.lasts() > uint64(limit-begins) {
			return false
		}
		t.openForMore()
		if p.timed {
			t.goOn(int64(p.begins))
		}
		t.addChunk(p.at, p.entry)
		if p.track.entries.singles(p.size) && p.width == 0 && p.duration == 1 {
			t.addSingles(p.count, p.size)
			continue
		}
		video := p.track.first.Codec.Video()
		for j := range p.count {
			s := p.sample(j)
			t.add(s, !video || isSync(s.flags))
		}
	}
	return true
}
