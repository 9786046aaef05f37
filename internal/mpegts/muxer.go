package mpegts

import (
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/media"
)

// Muxer makes a transport stream of a stream. It allocates nothing for a packet.
type Muxer struct {
	tracks []*output
	clock  *output // whose packets have the PCR
	video  bool    // there is some
	tables tables
	given  uint16 // PIDs that tracks have got

	sinceTables time.Duration // DTS of the packet in front of which the tables were last
	lastPCR     time.Duration
	reached     time.Duration // the stamp of the last chunk
	begun       bool          // there was a packet
	changed     bool          // what a decoder has to know, since AppendChange
	owed        bool          // a start has given nothing: the next chunk is one
	head        [64]byte
}

var _ media.Chunker = (*Muxer)(nil)

// NewMuxer returns a muxer.
func NewMuxer() *Muxer { return &Muxer{} }

// AppendHeader implements [media.Chunker]. The tables stand in each chunk with which a reader can begin.
func (m *Muxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	m.describe(d)
	return dst, nil
}

// AppendChange implements [media.Chunker]: the tables, unless all that has changed is metadata.
func (m *Muxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	m.describe(d)
	if !m.changed {
		return dst, nil
	}
	m.changed = false
	return m.tables.append(dst), nil
}

// describe takes over the tracks. Those that stay keep their PID and count on.
func (m *Muxer) describe(d *media.Description) {
	before, version := m.tracks, m.tables.version
	m.tracks, m.clock, m.video = nil, nil, false
	for _, t := range d.Tracks {
		k, ok := kindOf(t)
		if !ok {
			continue
		}
		e := &output{id: t.ID, pid: m.freePID(before)}
		for _, old := range before {
			if old.id == t.ID {
				e.pid, e.counter, e.reached = old.pid, old.counter, old.reached
			}
		}
		e.kind = k
		e.aac, _ = elementary.ParseADTS(t.Config)
		e.sets = elementary.ParameterSets(t)
		m.changed = m.changed || !slices.ContainsFunc(before, e.same)
		m.tracks = append(m.tracks, e)
		if t.Codec.Video() && !m.video {
			m.clock, m.video = e, true
		}
	}
	if m.clock == nil && len(m.tracks) > 0 {
		m.clock = m.tracks[0]
	}
	if m.clock != nil {
		m.tables.set(m.tracks, m.clock.pid)
	}
	m.changed = m.changed || m.tables.version != version
}

// freePID returns a PID that no track has, nor had before. One that was given up is given again as late as possible.
func (m *Muxer) freePID(before []*output) uint16 {
	for {
		pid := firstPID + m.given
		m.given = (m.given + 1) % (pmtPID - firstPID)
		has := func(e *output) bool { return e.pid == pid }
		if !slices.ContainsFunc(before, has) && !slices.ContainsFunc(m.tracks, has) {
			return pid
		}
	}
}

func (m *Muxer) find(id int) *output {
	for _, e := range m.tracks {
		if e.id == id {
			return e
		}
	}
	return nil
}

// WritePacket implements [media.Chunker].
func (m *Muxer) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	start = start || m.owed
	buf := m.appendPacket(w.Tail(sizeOf(len(p.Data))), p, start)
	m.owed = start && len(buf) == 0
	w.Write(media.Chunk{Key: start, DTS: m.stamp(p), Data: buf})
	return nil
}

// stamp returns the stamp of the chunk of a packet: not before that of the chunk before, as sound may come some time behind the
// pictures it belongs to, unless its own track has gone back.
func (m *Muxer) stamp(p *media.Packet) time.Duration {
	if e := m.find(p.Track.ID); e != nil {
		if p.DTS < e.reached {
			m.reached = p.DTS
		}
		e.reached = p.DTS
		m.reached = max(m.reached, p.DTS)
	}
	return m.reached
}

// Flush implements [media.Chunker]: nothing is held back.
func (m *Muxer) Flush(media.ChunkWriter) error { return nil }

// sizeOf is about how many bytes become of a packet of n.
func sizeOf(n int) int { return (n/payloadSize + 5) * packetSize }

// appendPacket appends a packet with what must be in front of it. With start readers begin here.
func (m *Muxer) appendPacket(dst []byte, p *media.Packet, start bool) []byte {
	e := m.find(p.Track.ID)
	if e == nil {
		return dst
	}
	head, size := m.pesHead(e, p)
	if size == 0 {
		return dst
	}
	dst = m.appendBefore(dst, p, start)
	w := writer{dst: dst, track: e, left: size, pcr: noPCR, key: p.Key || start && !m.video}
	if e == m.clock && (m.video || p.DTS-m.lastPCR >= pcrEvery/2 || !m.begun || start) {
		w.pcr, m.lastPCR = p.DTS, p.DTS
	}
	m.begun = true
	w.write(head)
	switch p.Track.Codec {
	case media.H264, media.H265:
		m.writeUnits(&w, e, p)
	default:
		w.write(p.Data)
	}
	return w.dst
}

// appendBefore appends the tables and the clock, as far as they are due in front of a packet.
func (m *Muxer) appendBefore(dst []byte, p *media.Packet, start bool) []byte {
	gap := p.DTS - m.sinceTables
	if start || !m.begun || gap >= tablesEvery || gap < 0 {
		dst = m.tables.append(dst)
		m.sinceTables = p.DTS
	}
	if !m.begun || p.DTS < m.lastPCR || p.DTS-m.lastPCR > maxMissedPCR*pcrEvery {
		return dst // it begins, or jumps
	}
	for p.DTS-m.lastPCR > pcrEvery {
		m.lastPCR += pcrEvery
		dst = appendClock(dst, m.clock, m.lastPCR)
	}
	return dst
}
