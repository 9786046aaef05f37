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

// push takes a packet. do gets each section that is whole, and not what the last was: its body, without head and checksum.
func (s *section) push(p tsPacket, do func(body []byte) error) error {
	b := p.payload
	if s.open && p.counter != (s.counter+1)&0xf && !p.restart {
		s.open = false
	}
	s.counter = p.counter
	if !p.begins {
		return s.add(b, do)
	}
	if len(b) == 0 || int(b[0]) >= len(b) {
		s.open = false
		return nil
	}
	begins := 1 + int(b[0]) // the pointer_field
	if err := s.add(b[1:begins], do); err != nil {
		return err
	}
	s.open, s.buf = true, s.buf[:0]
	return s.add(b[begins:], do)
}

// add adds bytes to the section that is open. Behind one that is whole another may begin, but for stuffing.
func (s *section) add(b []byte, do func(body []byte) error) error {
	for s.open && len(b) > 0 {
		n := min(len(b), s.missing())
		s.buf = append(s.buf, b[:n]...)
		b = b[n:]
		switch left := s.missing(); {
		case left < 0:
			s.open = false
		case left == 0:
			if body := s.whole(); body != nil {
				if err := do(body); err != nil {
					return err
				}
			}
			s.buf = s.buf[:0]
			s.open = len(b) > 0 && b[0] != 0xff
		}
	}
	return nil
}

// missing is how many bytes are, as far as is known; less than 0 if it cannot be one of these sections.
func (s *section) missing() int {
	if len(s.buf) < 3 {
		return 3 - len(s.buf)
	}
	size := 3 + (int(s.buf[1]&0x0f)<<8 | int(s.buf[2]))
	if size > maxSection || size < 12 {
		return -1
	}
	return size - len(s.buf)
}

func (s *section) whole() []byte {
	b := s.buf
	if bytes.Equal(b, s.last) || Checksum(b) != 0 || b[5]&1 == 0 { // current_next_indicator
		return nil
	}
	s.last = bytes.Clone(b)
	return s.last[8 : len(b)-4]
}
