package depacketizer

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg1audio"
	"github.com/pion/rtp"
)

const (
	// mpaHeader is what is in front of the frames (RFC 2250, 3.5): nothing, and at which byte of a frame they begin.
	mpaHeader = 4
	// mpaMinimum is what it takes to know of a frame how long it is.
	mpaMinimum = 5
)

// mpegAudio takes MPEG audio (RFC 2250): frames in packets, or a frame in several.
type mpegAudio struct {
	d     *Depacketizer
	part  []byte // of a frame whose rest is to come
	size  int    // of that frame
	stamp uint32
}

func (f *mpegAudio) push(p *rtp.Packet, lost bool) error {
	if len(p.Payload) <= mpaHeader {
		return fmt.Errorf("%w: MPEG audio of %d bytes", ErrBadPacket, len(p.Payload))
	}
	offset, b := int(binary.BigEndian.Uint16(p.Payload[2:])), p.Payload[mpaHeader:]
	if f.part != nil && (lost || offset != len(f.part)) {
		f.part = nil
		f.d.drop(f.stamp)
	}
	if offset > 0 {
		return f.goOn(p.Timestamp, b)
	}
	return f.frames(p.Timestamp, b)
}

// goOn takes the next part of a frame.
func (f *mpegAudio) goOn(stamp uint32, b []byte) error {
	if f.part == nil { // its beginning is missing
		f.d.drop(stamp)
		return nil
	}
	f.part = append(f.part, b...)
	if len(f.part) < f.size {
		return nil
	}
	whole := f.part[:f.size:f.size]
	f.part = nil
	f.d.emit(f.stamp, whole, false)
	return nil
}

// frames takes whole frames, and perhaps a part of a last one.
func (f *mpegAudio) frames(stamp uint32, b []byte) error {
	for b = bytes.Clone(b); len(b) > 0; {
		size, ticks, err := mpegFrame(b, f.d.track.ClockRate)
		if err != nil {
			f.d.drop(stamp)
			return fmt.Errorf("%w: MPEG audio: %w", ErrBadPacket, err)
		}
		if size > len(b) {
			f.part, f.size, f.stamp = b[:len(b):len(b)], size, stamp
			return nil
		}
		f.d.emit(stamp, b[:size:size], false)
		b = b[size:]
		stamp += ticks
	}
	return nil
}

// mpegFrame returns how long the frame that b begins with is: in bytes, and in ticks of the clock, which RFC 2250, 3.1 has at 90 kHz.
func mpegFrame(b []byte, clockRate int) (size int, ticks uint32, err error) {
	if clockRate <= 0 {
		clockRate = 90000
	}
	if len(b) < mpaMinimum {
		return 0, 0, fmt.Errorf("a frame of %d bytes", len(b))
	}
	var h mpeg1audio.FrameHeader
	if err := try(func() error { return h.Unmarshal(b) }); err != nil {
		return 0, 0, err
	}
	samples := 0
	if err := try(func() error { samples = h.SampleCount(); return nil }); err != nil {
		return 0, 0, err
	}
	if h.SampleRate <= 0 || h.Bitrate <= 0 || samples <= 0 {
		return 0, 0, fmt.Errorf("%d samples at %d Hz and %d bit/s", samples, h.SampleRate, h.Bitrate)
	}
	size = samples / 8 * h.Bitrate / h.SampleRate // h.FrameLen is that of MPEG-1 alone
	if h.Padding {
		size++
	}
	if size < mpaMinimum {
		return 0, 0, fmt.Errorf("a frame of %d bytes", size)
	}
	return size, uint32(samples * clockRate / h.SampleRate), nil
}
