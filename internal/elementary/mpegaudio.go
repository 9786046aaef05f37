package elementary

import (
	"fmt"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
)

// mpegAudio takes MP3: layer III of MPEG audio (ISO/IEC 11172-3, 2.4.1.3, and 13818-3).
type mpegAudio struct{}

const (
	mpegAudioHeader = 4
	bitsOfByte      = 8
)

func (mpegAudio) cut(b []byte) (x frame, err error) {
	if len(b) <= mpegAudioHeader { // the library wants a byte more
		return x, nil
	}
	if layer := b[1] >> 1 & 3; b[0] != 0xff || b[1]&0xe0 != 0xe0 || layer != 1 {
		return x, fmt.Errorf("%w: no header of MP3", ErrBadData)
	}
	var h mpeg1audio.FrameHeader
	if err := try(func() error { return h.Unmarshal(b) }); err != nil {
		return x, fmt.Errorf("%w: %w", ErrBadData, err)
	}
	if h.SampleRate <= 0 || h.Bitrate <= 0 {
		return x, fmt.Errorf("%w: MP3 of %d Hz and %d bit/s", ErrBadData, h.SampleRate, h.Bitrate)
	}
	x.size = h.SampleCount() / bitsOfByte * h.Bitrate / h.SampleRate // h.FrameLen is that of MPEG-1 alone
	if h.Padding {
		x.size++
	}
	if x.size <= mpegAudioHeader {
		return x, fmt.Errorf("%w: a frame of MP3 of %d bytes", ErrBadData, x.size)
	}
	if x.size <= len(b) {
		x.data = b[:x.size:x.size]
	}
	x.rate, x.channels = h.SampleRate, 2
	if h.ChannelMode == mpeg1audio.ChannelModeMono {
		x.channels = 1
	}
	x.lasts = time.Duration(h.SampleCount()) * time.Second / time.Duration(h.SampleRate)
	return x, nil
}

func (mpegAudio) resync(b []byte) int { return nextByte(b, 0xff) }

// try calls a parser of a library, which must not take a session down whatever the bytes are.
func try(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("elementary: %v", r)
		}
	}()
	return fn()
}
