package elementary

import (
	"bytes"
	"fmt"
	"time"
)

const (
	adtsSize    = 7
	aacSamples  = 1024 // in a frame
	adtsCRCSize = 2
)

// errNoADTS is made but once: any byte of a payload may be found to be none.
var errNoADTS = fmt.Errorf("%w: no ADTS header", ErrBadData)

// adts takes AAC behind ADTS headers (ISO/IEC 13818-7, 6.2).
type adts struct{}

func (adts) cut(b []byte) (x frame, err error) {
	if len(b) < adtsSize {
		return x, nil
	}
	if b[0] != 0xff || b[1]&0xf6 != 0xf0 {
		return x, errNoADTS
	}
	profile, rate, channels := b[2]>>6, b[2]>>2&0xf, b[2]&1<<2|b[3]>>6
	head := adtsSize
	if b[1]&1 == 0 {
		head += adtsCRCSize
	}
	size := int(b[3]&3)<<11 | int(b[4])<<3 | int(b[5])>>5
	switch {
	case size < head || aacRate(rate) == 0:
		return x, fmt.Errorf("%w: an ADTS header of %d bytes at the rate %d", ErrBadData, size, rate)
	case channels == 0 || b[6]&3 != 0: // what the frame itself would have to tell; several blocks in one
		return x, fmt.Errorf("%w: ADTS with %d channels and %d blocks", ErrBadData, channels, b[6]&3+1)
	}
	x.size = size
	if size <= len(b) {
		x.data = b[head:size:size]
	}
	x.rate, x.channels = aacRate(rate), int(channels)
	if channels == 7 { // ISO/IEC 14496-3, table 1.19: 7.1
		x.channels = 8
	}
	object := profile + 1
	x.config, x.configured = [2]byte{object<<3 | rate>>1, rate<<7 | channels<<3}, true
	x.lasts = aacSamples * time.Second / time.Duration(x.rate)
	return x, nil
}

func (adts) resync(b []byte) int { return nextByte(b, 0xff) }

// aacRate returns a sample rate by its index (ISO/IEC 14496-3, table 1.18); 0 if there is none.
func aacRate(index byte) int {
	rates := [...]int{96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
	if int(index) >= len(rates) {
		return 0
	}
	return rates[index]
}

// nextByte returns where a byte is behind the first of b; behind its end if it is not.
func nextByte(b []byte, c byte) int {
	if at := bytes.IndexByte(b[1:], c); at >= 0 {
		return 1 + at
	}
	return len(b)
}
