package depacketizer

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
)

// mp3Ticks is how long a frame lasts, in ticks of the clock, which RFC 2250, 3.1 has at 90 kHz.
func mp3Ticks(frame []byte, clockRate int) (ticks uint32) {
	if clockRate <= 0 {
		clockRate = 90000
	}
	_ = try(func() error {
		var h mpeg1audio.FrameHeader
		if err := h.Unmarshal(frame); err != nil {
			return err
		}
		if h.SampleRate > 0 {
			ticks = uint32(h.SampleCount() * clockRate / h.SampleRate)
		}
		return nil
	})
	return ticks
}
