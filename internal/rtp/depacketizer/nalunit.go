package depacketizer

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// unit takes a whole unit. It may lie in the buffer already, right behind where its length goes.
func (f *nals) unit(b []byte) error {
	if f.frag >= 0 && len(b) > 0 {
		f.cut() // its last fragment is missing
	}
	code := []byte{0, 0, 1}
	if !f.mayHoldMore(b) || !bytes.Contains(b, code) {
		return f.keep(b)
	}
	// Some cameras send several units with start codes in between (H.264, annex B). What is kept could run over
	// what is still to be read if that lay in the buffer.
	for rest, more := bytes.Clone(b), true; more; {
		b, rest, more = bytes.Cut(rest, code)
		if err := f.keep(bytes.TrimRight(b, "\x00")); err != nil {
			return err
		}
	}
	return nil
}

// mayHoldMore reports whether start codes may be in a unit: it begins with one, or is of the kinds that stand in
// front of a picture. Slices are not searched, for the time it takes.
func (f *nals) mayHoldMore(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	return b[0] == 0 && b[1] == 0 || !h26x.IsSlice(f.codec, h26x.UnitType(f.codec, b[0]))
}

// keep adds a unit to the picture, or to the parameter sets.
func (f *nals) keep(b []byte) error {
	if len(b) < f.head {
		return nil
	}
	typ := h26x.UnitType(f.codec, b[0])
	if h26x.Idle(f.codec, typ) {
		return nil
	}
	if f.count++; f.count > maxNALs {
		f.torn = true
		return fmt.Errorf("%w: more than %d NAL units", ErrBadPacket, maxNALs)
	}
	switch taken, err := f.sets.Take(b); {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBadPacket, err)
	case taken:
		return nil
	}
	if h26x.IsSlice(f.codec, typ) {
		f.torn = f.torn || f.doubt && !f.slices && !isFirstSlice(f.codec, typ, b[f.head:])
		f.slices = true
	}
	if f.torn {
		return nil // nobody will see it
	}
	if err := f.fits(4 + len(b)); err != nil {
		return err
	}
	f.key = f.key || h26x.StartsPicture(f.codec, b[0]) || h26x.RecoversAtOnce(f.codec, b)
	f.add(b)
	return nil
}

func (f *nals) add(b []byte) {
	at := len(f.buf)
	f.buf = append(f.buf, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(f.buf[at:], uint32(len(b)))
	f.buf = append(f.buf, b...) // which moves nothing if it is there
}

// fits says whether n more bytes do.
func (f *nals) fits(n int) error {
	if len(f.buf)+n > maxUnit {
		f.torn = true
		return fmt.Errorf("%w: a picture of more than %d bytes", ErrBadPacket, maxUnit)
	}
	return nil
}

// isFirstSlice reports whether a slice, without its header, begins a picture: first_mb_in_slice is 0 (H.264,
// 7.3.3; data partitions B and C have none), or first_slice_segment_in_pic_flag is set (H.265, 7.3.6.1).
func isFirstSlice(codec media.Codec, typ byte, b []byte) bool {
	partition := codec == media.H264 && (typ == 3 || typ == 4)
	return !partition && len(b) > 0 && b[0]&0x80 != 0
}
