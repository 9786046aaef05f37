package mpegts

import "time"

// noPCR says that a packet has none.
const noPCR = -1 << 62

// writer appends the packets of one PES packet.
type writer struct {
	dst   []byte
	track *output
	left  int           // bytes of the PES packet that have not been written
	room  int           // bytes that the packet under way can still take
	pcr   time.Duration // of the first packet; noPCR for none
	key   bool          // decoding can start with the first packet
	begun bool
}

// Write appends a piece of the PES packet.
func (w *writer) write(b []byte) {
	for len(b) > 0 {
		if w.room == 0 {
			w.begin()
		}
		n := min(len(b), w.room)
		w.dst = append(w.dst, b[:n]...)
		b = b[n:]
		w.room -= n
		w.left -= n
	}
}

// begin appends the head of a packet (2.4.3.2): all but its payload, of which it takes as much as there is.
func (w *writer) begin() {
	pid, first := w.track.pid, !w.begun
	w.begun = true
	b1 := byte(pid >> 8)
	if first {
		b1 |= 0x40 // payload_unit_start_indicator
	}
	flags, size := byte(0), 0 // of the adaptation field, without what fills it up
	if first && w.key {
		flags |= 0x40 // random_access_indicator
		size = 2
	}
	if first && w.pcr != noPCR {
		flags |= 0x10
		size = 8
	}
	fill := max(payloadSize-size-w.left, 0)
	w.room = payloadSize - size - fill
	w.dst = append(w.dst, 0x47, b1, byte(pid), 0x10|w.track.next())
	if size+fill == 0 {
		return
	}
	w.dst[len(w.dst)-1] |= 0x20
	w.dst = append(w.dst, byte(size+fill-1))
	if size+fill == 1 {
		return
	}
	w.dst = append(w.dst, flags)
	if flags&0x10 != 0 {
		w.dst = appendPCR(w.dst, w.pcr)
	}
	if size == 0 {
		fill -= 2
	}
	for range fill {
		w.dst = append(w.dst, 0xff)
	}
}

// appendPCR appends a program_clock_reference (2.4.3.5).
func appendPCR(dst []byte, t time.Duration) []byte {
	base, ext := Ticks(t)
	return append(dst, byte(base>>25), byte(base>>17), byte(base>>9), byte(base>>1), byte(base<<7)|0x7e|byte(ext>>8&1), byte(ext))
}

// appendClock appends a packet that has nothing but a PCR. It does not count.
func appendClock(dst []byte, e *output, t time.Duration) []byte {
	dst = append(dst, 0x47, byte(e.pid>>8), byte(e.pid), 0x20|(e.counter-1)&0xf, packetSize-headerSize-1, 0x10)
	dst = appendPCR(dst, t)
	for range packetSize - headerSize - 8 {
		dst = append(dst, 0xff)
	}
	return dst
}
