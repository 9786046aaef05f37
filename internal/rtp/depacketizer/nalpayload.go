package depacketizer

import (
	"encoding/binary"
	"fmt"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// The types of payloads that are no NAL units (RFC 6184, 5.2; RFC 7798, 4.4).
const (
	avcSTAPA = 24
	avcSTAPB = 25
	avcFUA   = 28
	avcFUB   = 29

	hevcAP   = 48
	hevcFU   = 49
	hevcPACI = 50
)

// payload takes apart the payload of a packet.
func (f *nals) payload(b []byte) error {
	if len(b) < f.head {
		return fmt.Errorf("%w: a payload of %d bytes", ErrBadPacket, len(b))
	}
	typ := h26x.UnitType(f.codec, b[0])
	if f.codec == media.H265 {
		switch typ {
		case hevcAP:
			return f.aggregate(b[f.head:])
		case hevcFU:
			return f.fragment(b)
		case hevcPACI: // there is a part of the picture in it
			return fmt.Errorf("%w: type %d", ErrBadPacket, typ)
		}
		return f.unit(b)
	}
	switch {
	case typ == avcSTAPA:
		return f.aggregate(b[f.head:])
	case typ == avcFUA:
		return f.fragment(b)
	case typ >= avcSTAPB && typ <= avcFUB: // of the interleaved mode
		return fmt.Errorf("%w: type %d", ErrBadPacket, typ)
	}
	return f.unit(b)
}

// aggregate takes several units (STAP-A, RFC 6184, 5.7.1; AP, RFC 7798, 4.4.2).
func (f *nals) aggregate(b []byte) error {
	for len(b) >= 2 {
		n := int(binary.BigEndian.Uint16(b)) // 0: some pad so
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

// fragment takes a part of a unit (FU-A, RFC 6184, 5.8; FU, RFC 7798, 4.4.3). One may be both the first and the
// last, though it must not.
func (f *nals) fragment(b []byte) error {
	if len(b) < f.head+1 {
		return fmt.Errorf("%w: a fragment of %d bytes", ErrBadPacket, len(b))
	}
	fu, part := b[f.head], b[f.head+1:]
	if fu&0x80 != 0 {
		f.cut()
		if err := f.start(b[0], b[1], fu); err != nil {
			return err
		}
	}
	if f.frag < 0 { // the first fragment is missing
		f.torn = true
		f.slices = f.slices || h26x.IsSlice(f.codec, f.fragmentType(fu))
		return nil
	}
	if err := f.fits(len(part)); err != nil {
		f.cut()
		return err
	}
	f.buf = append(f.buf, part...)
	if fu&0x40 == 0 {
		return nil
	}
	whole := f.buf[f.frag+4:]
	f.buf = f.buf[:f.frag]
	f.frag = -1
	return f.unit(whole)
}

// start opens a unit that comes in fragments, with the header they spell out between them.
func (f *nals) start(first, second, fu byte) error {
	if err := f.fits(4 + f.head); err != nil {
		return err
	}
	f.frag = len(f.buf)
	f.buf = append(f.buf, 0, 0, 0, 0)
	if f.codec == media.H265 {
		f.buf = append(f.buf, first&0x81|fu&0x3f<<1, second)
	} else {
		f.buf = append(f.buf, first&0xe0|fu&0x1f)
	}
	return nil
}

// fragmentType returns the type of the unit that an FU header is of.
func (f *nals) fragmentType(fu byte) byte {
	if f.codec == media.H265 {
		return fu & 0x3f
	}
	return fu & 0x1f
}
