package mpegts

import "bytes"

// maxSection bounds a section of PAT and PMT (13818-1, 2.4.4.4 and 2.4.4.9).
const maxSection = 1024

// section puts the sections of a table together, of those that have one (2.4.4).
type section struct {
	open    bool
	buf     []byte
	last    []byte // the newest one that was whole
	counter byte
}

// push takes a packet. It returns a section that is whole, and not what the last was: its body, without head and checksum.
func (s *section) push(p tsPacket) []byte {
	b := p.payload
	gap := s.open && p.counter != (s.counter+1)&0xf && !p.restart
	s.counter = p.counter
	switch {
	case p.begins:
		if len(b) == 0 || int(b[0]) >= len(b) { // the pointer_field
			s.open = false
			return nil
		}
		b = b[1+int(b[0]):]
		s.open, s.buf = true, s.buf[:0]
	case !s.open || gap:
		s.open = false
		return nil
	}
	s.buf = append(s.buf, b[:min(len(b), maxSection-len(s.buf))]...)
	return s.whole()
}

func (s *section) whole() []byte {
	if len(s.buf) < 3 {
		return nil
	}
	size := 3 + (int(s.buf[1]&0x0f)<<8 | int(s.buf[2]))
	if size > maxSection || size < 12 {
		s.open = false
		return nil
	}
	if len(s.buf) < size {
		return nil
	}
	b := s.buf[:size]
	s.open = false
	if bytes.Equal(b, s.last) || checksum(b) != 0 || b[5]&1 == 0 { // current_next_indicator
		return nil
	}
	s.last = bytes.Clone(b)
	return s.last[8 : size-4]
}
