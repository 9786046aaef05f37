package elementary

import (
	"fmt"
	"time"
)

// opus takes Opus access units behind their control headers (Opus in MPEG-TS, 4.2).
type opus struct{}

func (opus) cut(b []byte) (x frame, err error) {
	if len(b) < 2 {
		return x, nil
	}
	if b[0] != 0x7f || b[1]&0xe0 != 0xe0 {
		return x, fmt.Errorf("%w: no control header of Opus", ErrBadData)
	}
	size, at := 0, 2
	for more := true; more; at++ {
		switch {
		case at >= len(b):
			return x, nil
		case size > maxFrame:
			return x, fmt.Errorf("%w: an access unit of Opus of over %d bytes", ErrBadData, maxFrame)
		}
		size += int(b[at])
		more = b[at] == 255
	}
	for _, trim := range []byte{0x10, 0x08} { // from its start, from its end
		if b[1]&trim != 0 {
			at += 2
		}
	}
	if b[1]&0x04 != 0 { // an extension behind its length
		if at >= len(b) {
			return x, nil
		}
		at += 1 + int(b[at])
	}
	x.size = at + size
	if x.size <= len(b) {
		x.data = b[at:x.size:x.size]
		x.lasts = opusDuration(x.data)
	}
	return x, nil
}

func (opus) resync(b []byte) int { return nextByte(b, 0x7f) }

// opusDuration is how long a packet is (RFC 6716, 3.1 and 3.2): its frames, by the configuration in its first byte.
func opusDuration(b []byte) time.Duration {
	if len(b) == 0 {
		return 0
	}
	config, count := b[0]>>3, 1
	switch b[0] & 3 {
	case 1, 2:
		count = 2
	case 3:
		if len(b) < 2 {
			return 0
		}
		count = int(b[1] & 0x3f)
	}
	var each time.Duration
	switch {
	case config < 12: // SILK
		each = []time.Duration{10, 20, 40, 60}[config&3] * time.Millisecond
	case config < 16: // hybrid
		each = []time.Duration{10, 20}[config&1] * time.Millisecond
	default: // CELT
		each = []time.Duration{2500, 5000, 10000, 20000}[config&3] * time.Microsecond
	}
	return time.Duration(count) * each
}
