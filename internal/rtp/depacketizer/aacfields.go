package depacketizer

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"

	"github.com/sluice-media/sluice/internal/bits"
	"github.com/sluice-media/sluice/media"
)

// aacFields are the bits of the fields of AU headers (RFC 3640, 3.2.1.1): the size, the index of the first and the
// distance of the others.
type aacFields struct {
	size, index, next int
}

// newAAC returns nil for a form that is not known.
func newAAC(d *Depacketizer) format {
	if strings.EqualFold(d.source.Encoding, "MP4A-LATM") {
		return newLATM(d)
	}
	fields, ok := newAACFields(d.source.Params)
	if !ok {
		return nil
	}
	return &aac{d: d, aacFields: fields, ticks: frameTicks(d.track)}
}

// newAACFields reads the parameters (RFC 3640, 4.1). Those that are missing are of the mode (3.3.5 and 3.3.6).
func newAACFields(params map[string]string) (f aacFields, ok bool) {
	f = aacFields{size: 13, index: 3, next: 3}
	if strings.EqualFold(params["mode"], "AAC-lbr") {
		f = aacFields{size: 6, index: 2, next: 2}
	}
	number := func(name string, unset int) int {
		if n, err := strconv.Atoi(strings.TrimSpace(params[name])); err == nil && n >= 0 {
			return n
		}
		return unset
	}
	f.size, f.index, f.next = number("sizelength", f.size), number("indexlength", f.index), number("indexdeltalength", f.next)
	for _, name := range []string{
		"ctsdeltalength", "dtsdeltalength", "randomaccessindication", "streamstateindication", "auxiliarydatasizelength",
	} {
		if number(name, 0) > 0 { // fields that no mode of AAC has
			return f, false
		}
	}
	return f, f.size > 0 && f.size <= 16 && f.index <= 16 && f.next <= 16
}

// auHeaders takes apart the payload of a packet: the AU headers (RFC 3640, 3.2.1) and what they are of.
func auHeaders(b []byte) (headers bits.Reader, data []byte, err error) {
	if len(b) < 2 {
		return headers, nil, fmt.Errorf("%w: a payload of %d bytes", ErrBadPacket, len(b))
	}
	size := int(b[0])<<8 | int(b[1])
	at := 2 + (size+7)/8
	if size == 0 || at > len(b) {
		return headers, nil, fmt.Errorf("%w: AU headers of %d bits", ErrBadPacket, size)
	}
	return bits.Reader{B: b[2:at], Left: size}, b[at:], nil
}

// frameTicks is how long a frame of AAC lasts, in ticks of the track's clock: its 1024 or 960 samples, and twice
// that if the clock is of the rate that spectral band replication makes of it.
func frameTicks(t *media.Track) uint32 {
	samples, rate := 1024, 0
	_ = try(func() error {
		var c mpeg4audio.AudioSpecificConfig
		if err := c.Unmarshal(t.Config); err != nil {
			return err
		}
		if c.FrameLengthFlag {
			samples = 960
		}
		rate = c.SampleRate
		return nil
	})
	if rate > 0 && t.ClockRate > 0 && t.ClockRate <= 1_000_000 {
		samples = samples * t.ClockRate / rate
	}
	return uint32(samples)
}
