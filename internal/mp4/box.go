package mp4

import (
	"encoding/binary"
	"iter"
)

// box is one that lies in memory (14496-12, 4.2).
type box struct {
	kind  [4]byte
	body  []byte
	whole []byte // with its head
}

// boxesIn yields the boxes that lie one behind the other in b. It ends at the first that is not whole, as QuickTime's 32 bits
// of zero behind the last are. A size of 0, which means all that is left, is for the top level of a file alone.
func boxesIn(b []byte) iter.Seq[box] {
	return func(yield func(box) bool) {
		for {
			x, ok := firstBox(b)
			if !ok || !yield(x) {
				return
			}
			b = b[len(x.whole):]
		}
	}
}

// firstBox returns the box at the beginning of b.
func firstBox(b []byte) (x box, ok bool) {
	if len(b) < 8 {
		return x, false
	}
	size, head := uint64(binary.BigEndian.Uint32(b)), 8
	if size == 1 {
		if len(b) < 16 {
			return x, false
		}
		size, head = binary.BigEndian.Uint64(b[8:]), 16
	}
	if size < uint64(head) || size > uint64(len(b)) {
		return x, false
	}
	copy(x.kind[:], b[4:])
	x.whole = b[:size:size]
	x.body = x.whole[head:]
	return x, true
}

// find returns the body of the first box of a kind in b, nil if there is none.
func find(b []byte, path ...string) []byte {
	for _, kind := range path {
		var body []byte
		for x := range boxesIn(b) {
			if string(x.kind[:]) == kind {
				body = x.body
				break
			}
		}
		b = body
	}
	return b
}

// fields reads the fields of a box one after the other. Behind the end they are zero, and short is set.
type fields struct {
	b     []byte
	short bool
}

// fullBox reads version and flags of a FullBox (4.2).
func fullBox(body []byte) (f *fields, version byte, flags uint32) {
	f = &fields{b: body}
	v := f.u32()
	return f, byte(v >> 24), v & 0xffffff
}

// bytes returns the next n bytes, nil if there are fewer.
func (f *fields) bytes(n int) []byte {
	if n < 0 || n > len(f.b) {
		f.b, f.short = nil, true
		return nil
	}
	b := f.b[:n:n]
	f.b = f.b[n:]
	return b
}

func (f *fields) skip(n int) { f.bytes(n) }

func (f *fields) u8() byte {
	if b := f.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (f *fields) u16() uint16 {
	if b := f.bytes(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (f *fields) u32() uint32 {
	if b := f.bytes(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (f *fields) u64() uint64 {
	if b := f.bytes(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// sized reads a field that has 64 bits in version 1 and else 32.
func (f *fields) sized(version byte) uint64 {
	if version == 1 {
		return f.u64()
	}
	return uint64(f.u32())
}
