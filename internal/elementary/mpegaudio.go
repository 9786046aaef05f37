package elementary

import (
	"fmt"
	"time"

	"github.com/sluice-media/sluice/internal/mpegaudio"
)

var errNoMP3 = fmt.Errorf("%w: no header of MP3", ErrBadData)

// mpegAudio takes MP3: layer III of MPEG audio.
type mpegAudio struct{}

func (mpegAudio) cut(b []byte) (x frame, err error) {
	if len(b) < mpegaudio.Header {
		return x, nil
	}
	if layer := b[1] >> 1 & 3; layer != 1 {
		return x, errNoMP3
	}
	f, err := mpegaudio.Parse(b)
	if err != nil {
		return x, fmt.Errorf("%w: %w", ErrBadData, err)
	}
	x.size, x.rate, x.channels = f.Size, f.SampleRate, f.Channels
	if x.size <= len(b) {
		x.data = b[:x.size:x.size]
	}
	x.lasts = time.Duration(f.Samples) * time.Second / time.Duration(f.SampleRate)
	return x, nil
}

func (mpegAudio) resync(b []byte) int { return nextByte(b, 0xff) }
