package depacketizer

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// nals takes H.264 (RFC 6184) and H.265 (RFC 7798): a picture is what has one timestamp, up to the marker.
type nals struct {
	d     *Depacketizer
	codec media.Codec
	sets  setList

	open  bool // a picture is being put together
	torn  bool // a part of it is missing
	key   bool
	stamp uint32
	buf   []byte // NAL units behind their lengths
	count int
	frag  int // where the unit that comes in fragments begins in buf, or -1
	usual int // bytes of a picture, to take memory for
}

func newNALs(d *Depacketizer) *nals {
	f := &nals{d: d, codec: d.track.Codec, frag: -1, usual: 4 << 10}
	f.sets.init(d.track)
	return f
}

func (f *nals) push(p *rtp.Packet, lost bool) error {
	if f.open && p.Timestamp != f.stamp {
		f.torn = f.torn || lost // its end may be what is missing
		f.finish()
	}
	if !f.open {
		// The beginning may be missing, unless this is one.
		f.begin(p.Timestamp, lost && !f.beginsPicture(p.Payload))
	} else if lost {
		f.torn = true
	}
	err := f.payload(p.Payload)
	if err != nil {
		f.torn = true
	}
	if p.Marker {
		f.finish()
	}
	return err
}

func (f *nals) begin(stamp uint32, torn bool) {
	f.open, f.torn, f.key, f.stamp, f.buf, f.count, f.frag = true, torn, false, stamp, nil, 0, -1
}

// finish hands out the picture, if it is whole.
func (f *nals) finish() {
	f.open = false
	if f.frag >= 0 {
		f.torn = true // its last fragment is missing
	}
	if !f.torn {
		f.sets.settle(f.d)
	}
	switch {
	case f.torn:
		f.d.drop()
	case len(f.buf) > 0:
		f.usual = len(f.buf)
		f.d.emit(f.stamp, f.buf, f.key)
	}
	f.buf = nil
}

// payload takes apart the payload of a packet.
func (f *nals) payload(b []byte) error {
	head := 1
	if f.codec == media.H265 {
		head = 2
	}
	if len(b) < head+1 {
		return fmt.Errorf("%w: a payload of %d bytes", ErrBadPacket, len(b))
	}
	switch typ := h26x.UnitType(f.codec, b[0]); {
	case f.codec == media.H264 && typ == 24, f.codec == media.H265 && typ == 48:
		return f.aggregate(b[head:])
	case f.codec == media.H264 && typ == 28, f.codec == media.H265 && typ == 49:
		return f.fragment(b)
	case f.codec == media.H264 && typ > 24, f.codec == media.H265 && typ > 49:
		return fmt.Errorf("%w: type %d", ErrBadPacket, typ)
	}
	return f.unit(b)
}

// aggregate takes several units (STAP-A, RFC 6184, 5.7.1; AP, RFC 7798, 4.4.2).
func (f *nals) aggregate(b []byte) error {
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b))
		if n == 0 { // some pad so
			return nil
		}
		if n > len(b)-2 {
			return fmt.Errorf("%w: a unit of %d bytes in %d", ErrBadPacket, n, len(b)-2)
		}
		if err := f.unit(b[2 : 2+n]); err != nil {
			return err
		}
		b = b[2+n:]
	}
	return nil
}

// fragment takes a part of a unit (FU-A, RFC 6184, 5.8; FU, RFC 7798, 4.4.3).
func (f *nals) fragment(b []byte) error {
	at := 1 // of the FU header
	if f.codec == media.H265 {
		at = 2
	}
	if len(b) < at+1 {
		return fmt.Errorf("%w: a fragment of %d bytes", ErrBadPacket, len(b))
	}
	start, end := b[at]&0x80 != 0, b[at]&0x40 != 0
	if start {
		if f.frag >= 0 {
			f.cut()
		}
		var head [2]byte
		if f.codec == media.H265 {
			head = [2]byte{b[0]&0x81 | b[at]&0x3f<<1, b[1]}
		} else {
			head[0] = b[0]&0xe0 | b[at]&0x1f
		}
		if err := f.room(6 + len(b)); err != nil {
			return err
		}
		f.frag = len(f.buf)
		f.buf = append(append(f.buf, 0, 0, 0, 0), head[:at]...)
	}
	if f.frag < 0 {
		f.torn = true // its first fragment is missing
		return nil
	}
	if err := f.room(len(b)); err != nil {
		return err
	}
	f.buf = append(f.buf, b[at+1:]...)
	if end {
		whole := f.buf[f.frag+4:]
		f.buf = f.buf[:f.frag]
		f.frag = -1
		return f.keep(whole)
	}
	return nil
}

// cut gives up a unit whose last fragment is missing.
func (f *nals) cut() {
	f.buf = f.buf[:f.frag]
	f.frag = -1
	f.torn = true
}

// unit takes a whole unit, or several with start codes in between, as some cameras send them.
func (f *nals) unit(b []byte) error {
	if f.frag >= 0 {
		f.cut()
	}
	if len(b) < 3 || b[0] != 0 || b[1] != 0 {
		return f.keep(b)
	}
	for b = bytes.TrimLeft(b, "\x00"); len(b) > 1 && b[0] == 1; {
		unit, rest, _ := bytes.Cut(b[1:], []byte{0, 0, 1})
		if err := f.keep(bytes.TrimRight(unit, "\x00")); err != nil {
			return err
		}
		if len(rest) == 0 {
			return nil
		}
		b = append([]byte{1}, rest...)
	}
	return nil
}

// keep adds a unit to the picture, or to the parameter sets. It may lie in the buffer already, right behind
// where its length goes.
func (f *nals) keep(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	if f.count++; f.count > maxNALs {
		return fmt.Errorf("%w: more than %d NAL units", ErrBadPacket, maxNALs)
	}
	typ := h26x.UnitType(f.codec, b[0])
	if f.sets.take(typ, b) || f.idle(typ) {
		return nil
	}
	if err := f.room(4 + len(b)); err != nil {
		return err
	}
	f.key = f.key || h26x.StartsPicture(f.codec, b[0])
	at := len(f.buf)
	f.buf = f.buf[:at+4+len(b)]
	copy(f.buf[at+4:], b) // the same place, if it lay there
	binary.BigEndian.PutUint32(f.buf[at:], uint32(len(b)))
	return nil
}

// idle reports whether a unit says nothing: delimiters, filler, ends of sequence and stream.
func (f *nals) idle(typ byte) bool {
	if f.codec == media.H265 {
		return typ >= h26x.HEVCDelimiter && typ <= 38
	}
	return typ == 0 || typ >= h26x.AVCDelimiter && typ <= 12
}

// room makes room for n more bytes.
func (f *nals) room(n int) error {
	if len(f.buf)+n > maxUnit {
		return fmt.Errorf("%w: a picture of more than %d bytes", ErrBadPacket, maxUnit)
	}
	if cap(f.buf)-len(f.buf) < n {
		bigger := make([]byte, len(f.buf), max(len(f.buf)+n, 2*len(f.buf), f.usual+f.usual/4))
		copy(bigger, f.buf)
		f.buf = bigger
	}
	return nil
}

// beginsPicture reports whether a packet holds the first slice of a picture, or what comes before one.
func (f *nals) beginsPicture(b []byte) bool {
	head := 1
	if f.codec == media.H265 {
		head = 2
	}
	if len(b) < head+2 {
		return false
	}
	switch typ := h26x.UnitType(f.codec, b[0]); {
	case f.codec == media.H264 && typ == 24, f.codec == media.H265 && typ == 48:
		return len(b) > head+2 && f.beginsPicture(b[head+2:])
	case f.codec == media.H264 && typ == 28:
		return b[1]&0x80 != 0 && isSlice(f.codec, b[1]&0x1f) && b[2]&0x80 != 0
	case f.codec == media.H265 && typ == 49:
		return b[2]&0x80 != 0 && isSlice(f.codec, b[2]&0x3f) && len(b) > 3 && b[3]&0x80 != 0
	case isSlice(f.codec, typ):
		return b[head]&0x80 != 0 // first_mb_in_slice is 0; first_slice_segment_in_pic_flag
	case f.codec == media.H265:
		return typ >= h26x.HEVCVPS && typ <= h26x.HEVCDelimiter
	default:
		return typ == h26x.AVCDelimiter || typ == h26x.AVCSPS
	}
}

func isSlice(codec media.Codec, typ byte) bool {
	if codec == media.H265 {
		return typ <= h26x.HEVCLastIRAP
	}
	return typ >= h26x.AVCSlice && typ <= h26x.AVCIDR
}
