package depacketizer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/pion/rtp"
)

// maxAAC bounds an access unit of AAC, in bytes: twice what any encoder makes of 48 channels.
const maxAAC = 64 << 10

// aac takes AAC in the generic format (RFC 3640).
type aac struct {
	d                 *Depacketizer
	size, index, next int    // bits of the fields of an AU header (RFC 3640, 3.2.1.1)
	samples           uint32 // of a frame
	part              []byte // of an access unit that comes in fragments
	want              int
	stamp             uint32
}

// newAAC returns nil for a form that is not known.
func newAAC(d *Depacketizer) format {
	if strings.EqualFold(d.source.Encoding, "MP4A-LATM") {
		return newLATM(d)
	}
	f := &aac{d: d, size: 13, index: 3, next: 3, samples: frameLength(d.track.Config)}
	if strings.EqualFold(d.source.Params["mode"], "AAC-lbr") {
		f.size, f.index, f.next = 6, 2, 2
	}
	for name, bits := range map[string]*int{"sizelength": &f.size, "indexlength": &f.index, "indexdeltalength": &f.next} {
		if n, err := strconv.Atoi(strings.TrimSpace(d.source.Params[name])); err == nil && n >= 0 && n <= 16 {
			*bits = n
		}
	}
	if f.size == 0 {
		return nil
	}
	return f
}

// frameLength is how many samples a frame has.
func frameLength(config []byte) uint32 {
	n := uint32(1024)
	_ = try(func() error {
		var c mpeg4audio.AudioSpecificConfig
		if err := c.Unmarshal(config); err != nil {
			return err
		}
		if c.FrameLengthFlag {
			n = 960
		}
		return nil
	})
	return n
}

func (f *aac) push(p *rtp.Packet, lost bool) error {
	if lost && f.part != nil {
		f.part = nil
		f.d.drop()
	}
	b := p.Payload
	if len(b) < 2 {
		return fmt.Errorf("%w: a payload of %d bytes", ErrBadPacket, len(b))
	}
	bits := int(b[0])<<8 | int(b[1])
	data := 2 + (bits+7)/8
	if bits == 0 || data > len(b) {
		return fmt.Errorf("%w: AU headers of %d bits", ErrBadPacket, bits)
	}
	headers, b := bitReader{b: b[2:data], left: bits}, b[data:]
	stamp := p.Timestamp
	for n := 0; len(b) > 0; n++ {
		if headers.left < f.size {
			break
		}
		size := headers.read(f.size)
		if n == 0 {
			headers.read(f.index)
		} else {
			stamp += f.samples * uint32(headers.read(f.next)+1)
		}
		if f.part != nil && f.stamp != stamp {
			f.part = nil
			f.d.drop()
		}
		if f.part != nil { // some say how long the fragment is, not the whole
			size = f.want
		}
		if size > len(b) || f.part != nil {
			return f.fragment(b, size, stamp, n == 0, p.Marker)
		}
		if size > 0 {
			f.d.emit(stamp, bytes.Clone(b[:size]), false)
		}
		b = b[size:]
	}
	return nil
}

// fragment takes a part of an access unit that has a packet to itself.
func (f *aac) fragment(b []byte, size int, stamp uint32, alone, last bool) error {
	if !alone || size > maxAAC {
		return fmt.Errorf("%w: an access unit of %d bytes in %d", ErrBadPacket, size, len(b))
	}
	if f.part == nil {
		f.part, f.want, f.stamp = make([]byte, 0, size), size, stamp
	}
	f.part = append(f.part, b[:min(len(b), f.want-len(f.part))]...)
	if len(f.part) < f.want && !last {
		return nil
	}
	whole := f.part
	f.part = nil
	if len(whole) < f.want {
		f.d.drop()
		return nil
	}
	f.d.emit(stamp, whole, false)
	return nil
}

// bitReader reads numbers of up to 16 bits. Past the end there are zeros.
type bitReader struct {
	b    []byte
	at   int
	left int
}

func (r *bitReader) read(n int) (v int) {
	for range n {
		v <<= 1
		if r.left > 0 && r.at/8 < len(r.b) {
			v |= int(r.b[r.at/8]>>(7-r.at%8)) & 1
			r.left--
		}
		r.at++
	}
	return v
}
