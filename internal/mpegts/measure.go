package mpegts

import (
	"bufio"
	"errors"
	"io"
	"time"
)

// Extent is how much of a transport stream is whole, and what time that takes.
type Extent struct {
	// Size is where the last access unit ends that is whole, in bytes: a number of whole packets.
	Size int64
	// First is the DTS of the first access unit, and End when the last ends; both 0 if there is none.
	First, End time.Duration
	// Units is how many access units there are.
	Units int
}

// Measure reads a transport stream as a [Muxer] makes it, of which the end may be missing or damaged: it ends where a packet is none, is
// not the next of its PID, or begins a PES packet while another of its PID is not whole. How long the last access unit lasts is not known: it is
// taken to last as long as the one before it of its PID. An error is one of r.
func Measure(r io.Reader) (Extent, error) {
	var m measurer
	b := bufio.NewReaderSize(r, 64<<10)
	var packet [packetSize]byte
	for {
		_, err := io.ReadFull(b, packet[:])
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return m.whole, nil
		case err != nil:
			return m.whole, err
		case !Begins(packet[:]):
			return m.before, nil
		case !m.packet(packet[:]):
			return m.whole, nil
		}
	}
}

// measurer measures a transport stream packet by packet.
type measurer struct {
	read    int64
	clock   Clock
	streams []measured
	seen    Extent // what has come, of which Size is not kept
	whole   Extent
	before  Extent // what whole was in front of the newest packet, of which the end may be damaged where what follows is
}

// measured is an elementary stream of it.
type measured struct {
	pid     uint16
	counter byte
	open    bool // a PES packet is not whole
	left    int  // what is to come of it; of one that does not say its size, less than 0
	stamped bool
	dts     time.Duration // of the newest access unit
	step    time.Duration // from the one before
}

// packet takes a packet (13818-1, 2.4.3.2). It reports false if the stream ends in front of it.
func (m *measurer) packet(b []byte) bool {
	m.before = m.whole
	payload, filled := b[headerSize:], false
	if b[3]&0x20 != 0 { // an adaptation field
		n := 1 + int(payload[0])
		if n > len(payload) {
			return false
		}
		filled = isFilled(payload[:n])
		payload = payload[n:]
	}
	m.read += packetSize
	if b[3]&0x10 != 0 && !m.payload(uint16(b[1]&0x1f)<<8|uint16(b[2]), b[3]&0xf, b[1]&0x40 != 0, payload, filled) {
		return false
	}
	m.settle()
	return true
}

// isFilled reports whether an adaptation field has stuffing, as a packet has only if less than it could take is left of the PES packet.
func isFilled(field []byte) bool {
	if len(field) < 2 { // nothing but its size, which fills one byte
		return true
	}
	size := 2
	if field[1]&0x10 != 0 { // a PCR
		size += 6
	}
	return field[1]&0x0f == 0 && len(field) > size || field[1] == 0
}

// payload takes what a packet carries.
func (m *measurer) payload(pid uint16, counter byte, begins bool, payload []byte, filled bool) bool {
	s := m.find(pid)
	isPES := len(payload) >= 4 && payload[0] == 0 && payload[1] == 0 && payload[2] == 1 && payload[3] >= 0xbd
	switch {
	case s == nil && (!begins || !isPES):
		return true // tables
	case s == nil && len(m.streams) == maxProgramStreams:
		return false
	case s == nil:
		m.streams = append(m.streams, measured{pid: pid, counter: counter - 1&0xf})
		s = &m.streams[len(m.streams)-1]
	}
	if counter != (s.counter+1)&0xf || begins && !isPES {
		return false
	}
	s.counter = counter
	if begins {
		return m.begin(s, payload, filled)
	}
	m.more(s, len(payload), filled)
	return true
}

func (m *measurer) find(pid uint16) *measured {
	for i := range m.streams {
		if m.streams[i].pid == pid {
			return &m.streams[i]
		}
	}
	return nil
}

// begin takes the beginning of a PES packet (2.4.3.6).
func (m *measurer) begin(s *measured, payload []byte, filled bool) bool {
	if s.open && s.left >= 0 {
		return false
	}
	if s.open { // it is known only now that it was whole
		s.open = false
		m.read -= packetSize
		m.settle()
		m.read += packetSize
	}
	at, _, ok := pesHeader(payload, &m.clock)
	if !ok || !at.Given {
		return false
	}
	if m.seen.Units++; m.seen.Units == 1 {
		m.seen.First, m.seen.End = at.DTS, at.DTS
	}
	if s.step = at.DTS - s.dts; !s.stamped || s.step <= 0 {
		s.step = usualStep
	}
	s.stamped, s.dts = true, at.DTS
	m.seen.End = max(m.seen.End, at.DTS+s.step)
	s.open, s.left = true, -1
	if size := int(payload[4])<<8 | int(payload[5]); size > 0 {
		s.left = 6 + size
	}
	m.more(s, len(payload), filled)
	return true
}

// usualStep is how long an access unit is taken to last of which nothing is known.
const usualStep = 40 * time.Millisecond

// more takes so many bytes of a PES packet.
func (m *measurer) more(s *measured, n int, filled bool) {
	switch {
	case s.left < 0:
		s.open = s.open && !filled
	case s.open:
		s.left = max(s.left-n, 0)
		s.open = s.left > 0
	}
}

// settle notes what is whole.
func (m *measurer) settle() {
	for i := range m.streams {
		if m.streams[i].open {
			return
		}
	}
	m.whole = m.seen
	m.whole.Size = m.read
}
