package depacketizer

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
)

// The types of OBUs (AV1, 6.2.2), and the flag in their heads that says that a size follows (5.3.2).
const (
	obuSequenceHeader    = 1
	obuTemporalDelimiter = 2
	obuHasSize           = 0x02
	obuExtension         = 0x04
)

func obuType(obu []byte) byte { return obu[0] >> 3 & 15 }

// temporalUnit joins OBUs, each with its size, and without the delimiter.
func temporalUnit(obus [][]byte) []byte {
	var b []byte
	for _, obu := range obus {
		if len(obu) == 0 || obuType(obu) == obuTemporalDelimiter {
			continue
		}
		head := 1
		if obu[0]&obuExtension != 0 {
			head = 2
		}
		if obu[0]&obuHasSize != 0 || len(obu) < head {
			b = append(b, obu...)
			continue
		}
		b = append(append(b, obu[0]|obuHasSize), obu[1:head]...)
		n := len(obu) - head
		for ; n >= 0x80; n >>= 7 {
			b = append(b, byte(n)|0x80)
		}
		b = append(append(b, byte(n)), obu[head:]...)
	}
	return b
}

func hasSequenceHeader(obus [][]byte) bool {
	for _, obu := range obus {
		if len(obu) > 0 && obuType(obu) == obuSequenceHeader {
			return true
		}
	}
	return false
}

// mp3Ticks is how long a frame lasts, in ticks of 90 kHz.
func mp3Ticks(frame []byte) (ticks uint32) {
	_ = try(func() error {
		var h mpeg1audio.FrameHeader
		if err := h.Unmarshal(frame); err != nil {
			return err
		}
		if h.SampleRate > 0 {
			ticks = uint32(h.SampleCount() * 90000 / h.SampleRate)
		}
		return nil
	})
	return ticks
}
