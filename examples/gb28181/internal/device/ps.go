package device

import (
	"encoding/binary"
	"time"
)

// Stream types of a program map (ISO/IEC 13818-1, table 2-34, and GB/T 28181, annex C).
const (
	typeAAC   = 0x0f
	typeH264  = 0x1b
	typeH265  = 0x24
	typeG711A = 0x90
)

// IDs of elementary streams.
const (
	videoID = 0xe0
	audioID = 0xc0
)

// pack is a picture or a piece of sound, as MPEG-PS carries it.
type pack struct {
	dts, pts time.Duration
	id       byte
	key      bool
	data     []byte
	types    [2]byte // of video and audio
}

// maxPES is how much a PES packet carries, in bytes, so that its length has room in 16 bits.
const maxPES = 65000

// bytes returns the pack, with its stamps so much later.
func (p *pack) bytes(shift time.Duration) []byte {
	dts, pts := ticks(p.dts+shift), ticks(p.pts+shift)
	b := packHeader(make([]byte, 0, len(p.data)+256), dts)
	if p.key {
		b = append(b, 0, 0, 1, 0xbb, 0, 12, 0x80, 0x1e, 0xff, 0xfe, 0xe1, 0x7f, videoID, 0xe0, 0x80, audioID, 0xc0, 0x20)
		b = p.programMap(b)
	}
	for first, rest := true, p.data; first || len(rest) > 0; first = false {
		n := min(len(rest), maxPES)
		b = pesHeader(b, p.id, n, first, pts, dts)
		b = append(b, rest[:n]...)
		rest = rest[n:]
	}
	return b
}

// packHeader appends one (2.5.3.3), with the system clock that is that of a picture.
func packHeader(b []byte, scr uint64) []byte {
	b = append(b, 0, 0, 1, 0xba)
	x := uint64(1)<<46 | scr>>30&7<<43 | 1<<42 | scr>>15&0x7fff<<27 | 1<<26 | scr&0x7fff<<11 | 1<<10 | 1
	b = append(b, byte(x>>40), byte(x>>32), byte(x>>24), byte(x>>16), byte(x>>8), byte(x))
	const rate = 50000 // of 50 bytes a second
	return append(b, byte(rate>>14), byte(rate>>6&0xff), byte(rate<<2&0xff|3), 0xf8)
}

// programMap appends one (2.5.4.1).
func (p *pack) programMap(b []byte) []byte {
	m := []byte{0, 0, 1, 0xbc, 0, 0, 0xe0, 0xff, 0, 0, 0, 0}
	for i, id := range []byte{videoID, audioID} {
		if p.types[i] != 0 {
			m = append(m, p.types[i], id, 0, 0)
		}
	}
	binary.BigEndian.PutUint16(m[10:], uint16(len(m)-12))
	binary.BigEndian.PutUint16(m[4:], uint16(len(m)-6+4))
	return binary.BigEndian.AppendUint32(append(b, m...), crc(m))
}

// crc is that of MPEG-2 (annex A).
func crc(b []byte) uint32 {
	c := ^uint32(0)
	for _, x := range b {
		c ^= uint32(x) << 24
		for range 8 {
			top := c >> 31
			c <<= 1
			if top == 1 {
				c ^= 0x04c11db7
			}
		}
	}
	return c
}

// pesHeader appends one (2.4.3.6) for n bytes, with stamps if it is the first of its picture.
func pesHeader(b []byte, id byte, n int, first bool, pts, dts uint64) []byte {
	var stamps []byte
	flags := byte(0)
	switch {
	case first && id == videoID:
		flags = 0xc0
		stamps = stamp(stamp(nil, 3, pts), 1, dts)
	case first:
		flags = 0x80
		stamps = stamp(nil, 2, pts)
	}
	b = append(b, 0, 0, 1, id)
	b = binary.BigEndian.AppendUint16(b, uint16(n+3+len(stamps)))
	b = append(b, 0x80, flags, byte(len(stamps)))
	return append(b, stamps...)
}

func stamp(b []byte, mark byte, t uint64) []byte {
	return append(b, mark<<4|byte(t>>29)&0x0e|1, byte(t>>22), byte(t>>14)|1, byte(t>>7), byte(t<<1)|1)
}
