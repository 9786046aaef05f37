package mp4

import (
	"encoding/binary"
	"fmt"
	"math"
)

// sampleTable is what the boxes of a stbl box say (14496-12, 8.5). The lists are those of the boxes as they are, each entry
// of a width, and their counts are true.
type sampleTable struct {
	stts, ctts, stss, stsc []byte
	stsz                   []byte // or stz2
	bits                   int    // of an entry of stsz
	size                   uint32 // of all samples, if it is not 0
	samples                uint32
	stco                   []byte // or co64
	wide                   bool   // it is co64
	hasSync                bool
}

// parseSampleTable reads a stbl box.
func parseSampleTable(stbl []byte) (s sampleTable, err error) {
	for b := range boxesIn(stbl) {
		kind := string(b.kind[:])
		switch kind {
		case "stts":
			s.stts, err = list(kind, b.body, 8)
		case "ctts":
			s.ctts, err = list(kind, b.body, 8)
		case "stss":
			s.stss, err = list(kind, b.body, 4)
			s.hasSync = true
		case "stsc":
			s.stsc, err = list(kind, b.body, 12)
		case "stco":
			s.stco, err = list(kind, b.body, 4)
		case "co64":
			s.stco, err = list(kind, b.body, 8)
			s.wide = true
		case "stsz", "stz2":
			err = s.parseSizes(kind, b.body)
		}
		if err != nil {
			return s, err
		}
	}
	return s, nil
}

// list returns the entries of a box that has nothing else but their number.
func list(kind string, body []byte, width int) ([]byte, error) {
	f, _, _ := fullBox(body)
	n := uint64(f.u32())
	if f.short || n*uint64(width) > uint64(len(f.b)) {
		return nil, fmt.Errorf("%w: %s of %d bytes has %d entries", ErrMalformed, kind, len(body), n)
	}
	return f.b[:n*uint64(width)], nil
}

// parseSizes reads stsz and stz2 (8.7.3).
func (s *sampleTable) parseSizes(kind string, body []byte) error {
	f, _, _ := fullBox(body)
	s.size, s.bits = f.u32(), 32
	s.samples = f.u32()
	if kind == "stz2" {
		s.bits, s.size = int(s.size&0xff), 0
		if s.bits != 4 && s.bits != 8 && s.bits != 16 {
			return fmt.Errorf("%w: stz2 with fields of %d bits", ErrMalformed, s.bits)
		}
	}
	if n := (uint64(s.samples)*uint64(s.bits) + 7) / 8; s.size == 0 && n > uint64(len(f.b)) || f.short {
		return fmt.Errorf("%w: %s of %d bytes has %d entries", ErrMalformed, kind, len(body), s.samples)
	}
	s.stsz = f.b
	return nil
}

// sizeOf returns the size of a sample.
func (s *sampleTable) sizeOf(n uint32) uint32 {
	switch {
	case s.size != 0:
		return s.size
	case s.bits == 4 && n%2 == 0:
		return uint32(s.stsz[n/2] >> 4)
	case s.bits == 4:
		return uint32(s.stsz[n/2] & 15)
	case s.bits == 8:
		return uint32(s.stsz[n])
	case s.bits == 16:
		return uint32(binary.BigEndian.Uint16(s.stsz[2*n:]))
	}
	return binary.BigEndian.Uint32(s.stsz[4*n:])
}

func (s *sampleTable) chunks() int {
	if s.wide {
		return len(s.stco) / 8
	}
	return len(s.stco) / 4
}

// chunkAt returns the offset of a chunk in the file.
func (s *sampleTable) chunkAt(i int) int64 {
	if !s.wide {
		return int64(binary.BigEndian.Uint32(s.stco[4*i:]))
	}
	return int64(min(binary.BigEndian.Uint64(s.stco[8*i:]), math.MaxInt64))
}
