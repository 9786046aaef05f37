package mp4

import (
	"bytes"
	"fmt"
)

// movie is what a moov box has.
type movie struct {
	mvhd    []byte
	scale   uint32
	tracks  []*track
	skipped []string
	trex    map[uint32]defaults // of all tracks, by track_ID; nil if there are no fragments
	udta    []byte
	rest    []byte // other boxes that are kept, whole
	uuids   map[[16]byte][]byte
}

// parseMovie reads a moov box (8.2.1).
func parseMovie(moov []byte, q *quota) (*movie, error) {
	m := &movie{uuids: map[[16]byte][]byte{}}
	m.mvhd = find(moov, "mvhd")
	m.scale = timescale(m.mvhd)
	for b := range boxesIn(moov) {
		switch string(b.kind[:]) {
		case "trak":
			if err := m.addTrack(b.body, q); err != nil {
				return nil, err
			}
		case "mvex":
			m.parseDefaults(b.body)
		case "udta":
			m.udta = b.body
			m.addUUIDs(b.body)
		case "uuid", "meta":
			m.rest = append(m.rest, b.whole...)
		}
	}
	m.addUUIDs(m.rest)
	return m, nil
}

// timescale is that of a mvhd or mdhd box (8.2.2, 8.4.2).
func timescale(body []byte) uint32 {
	f, version, _ := fullBox(body)
	f.skip(8)
	if version == 1 {
		f.skip(8)
	}
	return f.u32()
}

// addUUIDs keeps the user extensions (4.2) among boxes.
func (m *movie) addUUIDs(boxes []byte) {
	for b := range boxesIn(boxes) {
		if string(b.kind[:]) != "uuid" || len(b.body) < 16 || len(m.uuids) >= maxUUIDs {
			continue
		}
		if id := [16]byte(b.body); m.uuids[id] == nil {
			m.uuids[id] = append([]byte{}, b.body[16:]...)
		}
	}
}

// addTrack reads a trak box (8.3.1). A track that is not known is skipped.
func (m *movie) addTrack(trak []byte, q *quota) error {
	t := &track{}
	t.boxes.parse(trak)
	t.number = trackID(t.boxes.tkhd)
	t.scale = timescale(t.boxes.mdhd)
	c, names := parseEntries(t.boxes.stsd, t.scale)
	stbl, err := parseSampleTable(find(trak, "mdia", "minf", "stbl"))
	switch {
	case t.scale == 0 || t.scale > maxTimescale || len(m.tracks) >= maxTracks || c.get(stbl.firstEntry()) == nil:
		m.skip(t, names)
		return nil
	case err != nil:
		return err
	}
	t.entries = c
	t.first = c[stbl.firstEntry()].track
	t.parseEdits(find(trak, "edts", "elst"), m.scale)
	if err := q.fill(&t.table, &stbl, c); err != nil {
		return err
	}
	if !sane(t.table.end, maxSeconds, t.scale) {
		return fmt.Errorf("%w: a track of more than %d years", ErrMalformed, maxSeconds/(365*24*3600))
	}
	m.tracks = append(m.tracks, t)
	return nil
}

// firstEntry returns the index of the sample entry of the first chunk.
func (s *sampleTable) firstEntry() uint32 {
	if len(s.stsc) < 12 {
		return 0
	}
	f := fields{b: s.stsc[8:]}
	return f.u32() - 1
}

// skip notes a track that is left out: the codecs, or what kind of track it is.
func (m *movie) skip(t *track, names []string) {
	name := "no sample entry"
	switch {
	case len(names) > 0:
		name = printable([]byte(names[0]))
	case len(t.boxes.hdlr) >= 20:
		name = printable(t.boxes.hdlr[16:20])
	}
	if len(m.skipped) < maxTracks {
		m.skipped = append(m.skipped, name)
	}
}

// describe completes the tracks by what their tables say, and gives them their numbers.
func (m *movie) describe() {
	for i, t := range m.tracks {
		fps := t.table.rate(t.scale)
		for _, e := range t.entries {
			if e == nil {
				continue
			}
			e.track.ID = i + 1
			if e.track.Codec.Video() && t.table.samples > 1 {
				e.track.FPS = fps
			}
		}
	}
}

// keep drops tracks without samples, of which a player would wait in vain; unless none has any.
func (m *movie) keep() {
	var full []*track
	for _, t := range m.tracks {
		if t.table.samples > 0 {
			full = append(full, t)
		}
	}
	if len(full) == 0 {
		return
	}
	for _, t := range m.tracks {
		if t.table.samples == 0 && len(m.skipped) < maxTracks {
			m.skipped = append(m.skipped, t.first.Codec.LogValue().String()+" without samples")
		}
	}
	m.tracks = full
}

// release lets go of the moov box, but for the little that other files are made with.
func (m *movie) release() {
	m.mvhd, m.udta, m.rest, m.trex = bytes.Clone(m.mvhd), nil, nil, nil
	for _, t := range m.tracks {
		x := t.boxes
		t.boxes = trackBox{
			tkhd: bytes.Clone(x.tkhd), mdhd: bytes.Clone(x.mdhd), hdlr: bytes.Clone(x.hdlr), media: bytes.Clone(x.media),
			stsd: bytes.Clone(x.stsd),
		}
	}
}

// cloneUDTA is what is in moov/udta, up to QuickTime's zeros at its end.
func (m *movie) cloneUDTA() []byte {
	n := 0
	for b := range boxesIn(m.udta) {
		n += len(b.whole)
	}
	return bytes.Clone(m.udta[:n])
}
