package packetizer

import (
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/media"
)

// maxJPEG is what the 24-bit fragment offset reaches (RFC 2435, 3.1.2).
const maxJPEG = 1 << 24

// newEncoder returns the encoder of VP8 (RFC 7741), VP9 (RFC 9628) or JPEG (RFC 2435).
func newEncoder(codec media.Codec, c Config) (func([]byte) ([]*rtp.Packet, error), error) {
	switch codec {
	case media.VP8:
		e := &rtpvp8.Encoder{SSRC: &c.SSRC, InitialSequenceNumber: &c.Seq, PayloadMaxSize: c.MaxPayload}
		return e.Encode, e.Init()
	case media.VP9:
		// Like the sequence number, the picture ID should begin anywhere.
		e := &rtpvp9.Encoder{
			SSRC: &c.SSRC, InitialSequenceNumber: &c.Seq, InitialPictureID: &c.Seq, PayloadMaxSize: c.MaxPayload,
		}
		return e.Encode, e.Init()
	default:
		e := &rtpmjpeg.Encoder{SSRC: &c.SSRC, InitialSequenceNumber: &c.Seq, PayloadMaxSize: c.MaxPayload}
		return e.Encode, e.Init()
	}
}

// appendEncoded appends what the encoder of a library makes of data. Sequence numbers are ours, since the
// library spends some on what comes to nothing.
func (z *Packetizer) appendEncoded(dst, data []byte, ts uint32) ([]byte, error) {
	if z.track.Codec == media.JPEG && len(data) > maxJPEG {
		return nil, fmt.Errorf("%w: JPEG image of %d bytes", ErrBadData, len(data))
	}
	packets, err := tryEncode(z.encode, data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadData, err)
	}
	if len(packets) == 0 {
		return nil, fmt.Errorf("%w: no frame of %v", ErrBadData, z.track.Codec.LogValue())
	}
	for _, p := range packets {
		if len(p.Payload) > z.c.MaxPayload {
			return nil, fmt.Errorf("%w: payload of %d bytes", ErrBadData, len(p.Payload))
		}
		dst = z.appendOne(dst, ts, p.Payload, p.Marker)
	}
	return dst, nil
}

// tryEncode calls an encoder of a library, which must not take a session down whatever the bytes are.
func tryEncode(encode func([]byte) ([]*rtp.Packet, error), data []byte) (packets []*rtp.Packet, err error) {
	defer func() {
		if r := recover(); r != nil {
			packets, err = nil, fmt.Errorf("encoder failed: %v", r)
		}
	}()
	return encode(data)
}
