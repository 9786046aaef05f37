package mp4

import (
	"bytes"
	"encoding/binary"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// visual reads a VisualSampleEntry (12.1.3).
func visual(body []byte, codec media.Codec, kind string) *entry {
	f := &fields{b: body}
	f.skip(24)
	width, height := int(f.u16()), int(f.u16())
	f.skip(50)
	config := find(f.b, kind)
	if f.short || len(config) > maxConfig {
		return nil
	}
	e := &entry{track: &media.Track{Codec: codec, ClockRate: 90000, Config: bytes.Clone(config), Width: width, Height: height}}
	switch codec {
	case media.H264, media.H265:
		if !e.describeUnits() {
			return nil
		}
	case media.AV1:
		if len(config) < 4 {
			return nil
		}
	}
	return e
}

// describeUnits reads avcC or hvcC (14496-15, 5.3.3 and 8.3.3), and has it say that lengths have four bytes, as they do in
// packets.
func (e *entry) describeUnits() bool {
	sets, size, err := h26x.Parse(e.track.Codec, e.track.Config)
	if err != nil {
		return false
	}
	width, height := e.track.Width, e.track.Height
	h26x.Describe(e.track, sets)
	if width > 0 && height > 0 {
		e.track.Width, e.track.Height = width, height
	}
	at := 4
	if e.track.Codec == media.H265 {
		at = 21
	}
	e.lengthSize = size
	e.track.Config[at] |= 3
	return true
}

// packet returns the data of a sample as packets have it. Where lengths of NAL units have four bytes it is what it was; of
// others, units that are not whole are left out.
func (e *entry) packet(sample []byte) []byte {
	if e.lengthSize == 0 || e.lengthSize == 4 {
		return sample
	}
	out := make([]byte, 0, len(sample)+len(sample)/8+64)
	for len(sample) >= e.lengthSize && len(out) < maxSampleSize {
		n := 0
		for _, b := range sample[:e.lengthSize] {
			n = n<<8 | int(b)
		}
		sample = sample[e.lengthSize:]
		if n > len(sample) {
			break
		}
		if n > 0 {
			out = append(binary.BigEndian.AppendUint32(out, uint32(n)), sample[:n]...)
		}
		sample = sample[n:]
	}
	return out
}
