package fmp4

import (
	"bytes"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// audioFragment is how long a fragment of a stream without video is, and how long sound waits for its picture at most.
	audioFragment = 100 * time.Millisecond
	longestRide   = 250 * time.Millisecond
	// maxSamples bounds what a fragment has of a track.
	maxSamples = 256
)

// Options say what fragmented MP4 is for.
type Options struct {
	// Fragment is how long a fragment is: it ends with the first sample that makes it longer, or in front of one with which readers are
	// to begin. With 0 each picture has one.
	Fragment time.Duration
	// Extra are boxes that the movie box ends with.
	Extra []byte
}

// Muxer makes fragmented MP4 of a stream. It allocates nothing for a packet.
type Muxer struct {
	opts     Options
	tracks   []*track
	held     []held   // of each track
	runs     []run    // of the fragment to come, of each track
	lead     int      // the track whose samples make fragments
	ends     []uint64 // of what was complete of each track
	sequence uint32
	owed     bool   // readers are to begin with the next sample of the lead
	init     []byte // the initialization segment
	changed  bool   // it is not what it was before
}

var _ media.Chunker = (*Muxer)(nil)

// held is the newest packet of a track, whose duration is not known.
type held struct {
	packet *media.Packet
	begins uint64
	start  bool // readers are to begin with it
}

// NewMuxer returns a muxer for who watches now.
func NewMuxer() *Muxer { return &Muxer{} }

// New returns a muxer.
func New(o Options) *Muxer { return &Muxer{opts: o} }

// AppendHeader implements [media.Chunker]: the initialization segment.
func (m *Muxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	m.describe(d)
	init := appendInit(nil, m.tracks, m.opts.Extra)
	m.changed = !bytes.Equal(init, m.init)
	m.init = init
	return append(dst, init...), nil
}

// AppendChange implements [media.Chunker]: the initialization segment, if AppendHeader has found it to be another one.
func (m *Muxer) AppendChange(dst []byte, _ *media.Description) ([]byte, error) {
	if !m.changed {
		return dst, nil
	}
	return append(dst, m.init...), nil
}

// describe takes over the tracks. Those that stay go on behind what there was of them.
func (m *Muxer) describe(d *media.Description) {
	before, ends := m.tracks, m.ends
	m.tracks, m.ends, m.lead = nil, nil, 0
	for _, t := range d.Tracks {
		if !Carries(t) {
			continue
		}
		if t.Codec.Video() && (len(m.tracks) == 0 || !m.tracks[m.lead].Codec.Video()) {
			m.lead = len(m.tracks)
		}
		x, end := newTrack(t, uint32(len(m.tracks)+1)), uint64(0)
		for i, old := range before {
			if old.ID == t.ID && old.scale == x.scale {
				end = ends[i]
			}
		}
		m.tracks, m.ends = append(m.tracks, x), append(m.ends, end)
	}
	m.held = make([]held, len(m.tracks))
	m.runs = make([]run, len(m.tracks))
	for i, t := range m.tracks {
		m.runs[i].track = t
	}
}

func (m *Muxer) find(id int) int {
	for i, t := range m.tracks {
		if t.ID == id {
			return i
		}
	}
	return -1
}

// WritePacket implements [media.Chunker]: with a packet the one before of its track is complete.
func (m *Muxer) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	i := m.find(p.Track.ID)
	if i < 0 || len(p.Data) == 0 {
		return nil
	}
	if i != m.lead {
		m.owed = m.owed || start
	} else {
		start, m.owed = start || m.owed, false
	}
	at := m.place(i, p.DTS)
	if m.held[i].packet != nil {
		m.complete(i, at)
		m.emitDue(w, i, start)
	}
	m.held[i] = held{p, at, start}
	return nil
}

// place returns when a sample begins: at its DTS, but not before the end of the last, which lasts at least a unit; except
// where the stream jumps back. What was flushed may have been made longer than it was.
func (m *Muxer) place(i int, dts time.Duration) uint64 {
	at, end := units(dts, m.tracks[i].scale), m.ends[i]
	if m.held[i].packet != nil {
		end = m.held[i].begins + 1
	}
	if at < end && end-at < uint64(m.tracks[i].scale) {
		return end
	}
	return at
}

// complete moves the packet that is held of a track to the fragment to come: the next begins at a time.
func (m *Muxer) complete(i int, next uint64) {
	h, r := &m.held[i], &m.runs[i]
	lasts := next - h.begins
	if next < h.begins || lasts > 1<<31 {
		lasts = m.tracks[i].usual(h.packet)
	}
	if len(r.samples) == 0 {
		r.start = h.start
	}
	r.samples = append(r.samples, sample{h.packet, h.begins, uint32(lasts)})
	m.ends[i] = h.begins + lasts
	h.packet = nil
}

// emitDue makes the fragment, if it is time with the sample that a track has just got. start says that readers are to begin
// with the next of this track.
func (m *Muxer) emitDue(w media.ChunkWriter, i int, start bool) {
	r := &m.runs[i]
	span := r.lasts()
	switch {
	case m.opts.Fragment > 0:
		if i == m.lead && start || span >= m.opts.Fragment || span < 0 || len(r.samples) >= maxSamples {
			m.emit(w)
		}
	case i == m.lead && (start || r.track.Codec.Video()) || span >= m.longest(i) || span < 0 || len(r.samples) >= maxSamples:
		m.emit(w)
	}
}

// longest is how long what a fragment has of a track is at most, where each picture has one.
func (m *Muxer) longest(i int) time.Duration {
	if i == m.lead {
		return audioFragment
	}
	return longestRide
}

// emit makes a fragment of the samples that are complete.
func (m *Muxer) emit(w media.ChunkWriter) {
	c := media.Chunk{Key: m.runs[m.lead].start}
	size := moofSize + 8
	first := m.lead
	for i := range m.runs {
		r := &m.runs[i]
		size += r.headSize() + r.dataSize()
		if len(m.runs[first].samples) == 0 && len(r.samples) > 0 {
			first = i
		}
	}
	r := &m.runs[first]
	if len(r.samples) == 0 {
		return
	}
	c.DTS = r.samples[0].packet.DTS
	c.Duration = r.lasts()
	m.sequence++
	c.Data = appendFragment(w.Tail(size), m.sequence, m.runs)
	w.Write(c)
	for i := range m.runs {
		r := &m.runs[i]
		clear(r.samples) // the packets may go
		r.samples, r.start = r.samples[:0], false
	}
}

// Flush implements [media.Chunker]: all there is becomes a fragment.
func (m *Muxer) Flush(w media.ChunkWriter) error {
	for i := range m.held {
		if p := m.held[i].packet; p != nil {
			m.complete(i, m.held[i].begins+m.tracks[i].usual(p))
		}
	}
	if len(m.runs) > 0 {
		m.emit(w)
	}
	return nil
}
