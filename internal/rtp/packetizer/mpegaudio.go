package packetizer

import (
	"fmt"
	"math"
)

const (
	mp3Header = 4       // RFC 2250, 3.5
	aacHeader = 4       // RFC 3640, 3.2.1: AU-headers-length and one AU-header
	aacLimit  = 1 << 13 // sizeLength of AAC-hbr is 13 (RFC 3640, 3.3.6)
)

// appendAAC appends an AU in AAC-hbr mode (RFC 3640, 3.3.6), one a packet or in fragments. The size in the AU
// header is always that of the whole AU, also in front of a fragment (3.2.1.1).
func (z *Packetizer) appendAAC(dst, au []byte, ts uint32) ([]byte, error) {
	if len(au) >= aacLimit {
		return nil, fmt.Errorf("%w: AAC access unit of %d bytes", ErrBadData, len(au))
	}
	size := uint16(len(au)) << 3 // AU-Index is 0
	for rest := au; len(rest) > 0; {
		n := min(z.c.MaxPayload-aacHeader, len(rest))
		start := len(dst)
		dst = append(z.open(dst, ts), 0, 16, byte(size>>8), byte(size))
		dst = append(dst, rest[:n]...)
		rest = rest[n:]
		dst = z.seal(dst, start, len(rest) == 0)
	}
	return dst, nil
}

// appendMP3 appends a frame of MPEG audio, each packet saying at which byte of it it begins (RFC 2250, 3.5). The
// marker would mean that speech begins again after silence (3.3), which nobody told us.
func (z *Packetizer) appendMP3(dst, frame []byte, ts uint32) ([]byte, error) {
	if len(frame) > math.MaxUint16 {
		return nil, fmt.Errorf("%w: MPEG audio frame of %d bytes", ErrBadData, len(frame))
	}
	for at := 0; at < len(frame); {
		n := min(z.c.MaxPayload-mp3Header, len(frame)-at)
		start := len(dst)
		dst = append(z.open(dst, ts), 0, 0, byte(at>>8), byte(at))
		dst = append(dst, frame[at:at+n]...)
		dst = z.seal(dst, start, false)
		at += n
	}
	return dst, nil
}
