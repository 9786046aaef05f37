package fmp4

import "encoding/binary"

// boxes appends boxes (14496-12, 4.2).
type boxes struct{ b []byte }

// box appends a box of which body appends what is in it.
func (x *boxes) box(name string, body func()) {
	at := len(x.b)
	x.b = append(x.b, 0, 0, 0, 0)
	x.b = append(x.b, name...)
	body()
	binary.BigEndian.PutUint32(x.b[at:], uint32(len(x.b)-at))
}

// full appends a box with version and flags.
func (x *boxes) full(name string, version byte, flags uint32, body func()) {
	x.box(name, func() {
		x.u32(uint32(version)<<24 | flags)
		body()
	})
}

func (x *boxes) u8(v ...byte)              { x.b = append(x.b, v...) }
func (x *boxes) u16(v uint16)              { x.b = binary.BigEndian.AppendUint16(x.b, v) }
func (x *boxes) u32(v uint32)              { x.b = binary.BigEndian.AppendUint32(x.b, v) }
func (x *boxes) text(s string)             { x.b = append(x.b, s...) }
func (x *boxes) zeros(n int)               { x.b = append(x.b, make([]byte, n)...) }
func (x *boxes) raw(name string, b []byte) { x.box(name, func() { x.u8(b...) }) }
