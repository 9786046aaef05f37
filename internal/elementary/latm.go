package elementary

import (
	"bytes"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/internal/bits"
)

// aac takes AAC as its first frame has it: behind ADTS headers, or in LATM.
type aac struct {
	latm latm
	form cutter // the one that it is, once that is known
}

func (c *aac) cut(b []byte) (x frame, err error) {
	if c.form != nil {
		return c.form.cut(b)
	}
	var form cutter = adts{}
	if beginsLATM(b) {
		form = &c.latm
	}
	if x, err = form.cut(b); err == nil && len(x.data) > 0 {
		c.form = form
	}
	return x, err
}

func (c *aac) resync(b []byte) int {
	if c.form != nil {
		return c.form.resync(b)
	}
	return min(adts{}.resync(b), c.latm.resync(b))
}

const (
	// latmHead is the size of the head of an AudioSyncStream (ISO/IEC 14496-3, table 1.36).
	latmHead = 3
	latmSync = 0x56
)

var errNoLATM = fmt.Errorf("%w: no LATM", ErrBadData)

func beginsLATM(b []byte) bool { return len(b) > 1 && b[0] == latmSync && b[1]&0xe0 == 0xe0 }

// latm takes AAC in an AudioSyncStream, with one program, layer and frame in an element (ISO/IEC 14496-3, 1.7.3).
type latm struct {
	known frame // what the newest StreamMuxConfig says of frames
}

func (c *latm) resync(b []byte) int { return nextByte(b, latmSync) }

func (c *latm) cut(b []byte) (x frame, err error) {
	if len(b) < latmHead {
		return x, nil
	}
	if !beginsLATM(b) {
		return x, errNoLATM
	}
	size := latmHead + (int(b[1]&0x1f)<<8 | int(b[2]))
	if size > len(b) {
		return frame{size: size}, nil
	}
	r := &bits.Reader{B: b[latmHead:size], Left: 8 * (size - latmHead)}
	if r.Read(1) == 0 { // useSameStreamMux
		if c.known, err = latmConfig(r); err != nil {
			return x, err
		}
	}
	if c.known.rate == 0 { // it has not said yet what it is
		return frame{size: size}, nil
	}
	x = c.known
	x.size = size
	x.data, err = latmPayload(r)
	return x, err
}

// latmPayload reads a frame behind its length (1.7.3.2). It may begin within a byte.
func latmPayload(r *bits.Reader) ([]byte, error) {
	n := 0
	for more := true; more; {
		if r.Left < 8 {
			return nil, fmt.Errorf("%w: LATM that ends early", ErrBadData)
		}
		part := r.Read(8)
		n += part
		more = part == 255
	}
	if n == 0 || 8*n > r.Left {
		return nil, fmt.Errorf("%w: LATM with a frame of %d bytes", ErrBadData, n)
	}
	b, shift := r.B[r.At/8:], r.At%8
	if shift == 0 {
		return b[:n:n], nil
	}
	data := bytes.Clone(b[:n])
	for i := range data {
		data[i] = b[i]<<shift | b[i+1]>>(8-shift)
	}
	return data, nil
}

// latmConfig reads a StreamMuxConfig (table 1.42) of what is taken.
func latmConfig(r *bits.Reader) (x frame, err error) {
	if r.Read(1) != 0 || r.Read(1) != 1 || r.Read(6) != 0 || r.Read(4) != 0 || r.Read(3) != 0 {
		return x, fmt.Errorf("%w: LATM of version 1, or with several frames, programs or layers", ErrBadData)
	}
	object, rate, channels := r.Read(5), byte(r.Read(4)), r.Read(4)
	if object == 5 || object == 29 { // SBR, PS: of which the core is taken, as behind ADTS headers
		if r.Read(4) == 15 {
			r.Read(16)
			r.Read(8)
		}
		object = r.Read(5)
	}
	shorter := r.Read(1) == 1
	if r.Read(1) == 1 { // dependsOnCoreCoder
		r.Read(14)
	}
	extended := r.Read(1) == 1
	if object < 1 || object > 4 || aacRate(rate) == 0 || channels < 1 || channels > 7 || shorter || extended {
		return x, fmt.Errorf("%w: LATM of object type %d, rate %d and %d channels", ErrBadData, object, rate, channels)
	}
	if kind := r.Read(3); kind != 0 {
		return x, fmt.Errorf("%w: LATM with frames of the kind %d", ErrBadData, kind)
	}
	r.Read(8) // latmBufferFullness
	if r.Read(1) == 1 {
		for more := true; more && r.Left > 0; r.Read(8) {
			more = r.Read(1) == 1
		}
	}
	if r.Read(1) == 1 {
		r.Read(8) // a checksum
	}
	x.rate, x.channels = aacRate(rate), channels
	if channels == 7 {
		x.channels = 8
	}
	x.config, x.configured = [2]byte{byte(object)<<3 | rate>>1, rate<<7 | byte(channels)<<3}, true
	x.lasts = aacSamples * time.Second / time.Duration(x.rate)
	return x, nil
}
