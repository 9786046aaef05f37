package depacketizer

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/mpegaudio"
)

const (
	// mpaHeader is what is in front of the frames (RFC 2250, 3.5): nothing, and at which byte of a frame they begin.
	mpaHeader = 4
	// mpaClock is the rate of the clock in Hz (3.1), unless the session description has another.
	mpaClock = 90000
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
		x, err := mpegaudio.Parse(b)
		if err != nil {
			f.d.drop(stamp)
			return fmt.Errorf("%w: %w", ErrBadPacket, err)
		}
		if x.Size > len(b) {
			f.part, f.size, f.stamp = b[:len(b):len(b)], x.Size, stamp
			return nil
		}
		f.d.emit(stamp, b[:x.Size:x.Size], false)
		b = b[x.Size:]
		clock := f.d.track.ClockRate
		if clock <= 0 {
			clock = mpaClock
		}
		stamp += uint32(x.Samples * clock / x.SampleRate)
	}
	return nil
}
