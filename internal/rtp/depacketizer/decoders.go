package depacketizer

import (
	"errors"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/media"
)

// newDecoder makes one of gortsplib's decoders: JPEG (RFC 2435), VP8 (RFC 7741), VP9 (RFC 9628) or
// AV1 (RTP Payload Format For AV1). It returns errMore until a unit is complete.
func newDecoder(codec media.Codec) func(p *rtp.Packet) ([][]byte, error) {
	switch codec {
	case media.AV1:
		dec := &rtpav1.Decoder{}
		return several(dec.Init(), dec.Decode, rtpav1.ErrMorePacketsNeeded)
	case media.VP8:
		dec := &rtpvp8.Decoder{}
		return single(dec.Init(), dec.Decode, rtpvp8.ErrMorePacketsNeeded)
	case media.VP9:
		dec := &rtpvp9.Decoder{}
		return single(dec.Init(), dec.Decode, rtpvp9.ErrMorePacketsNeeded)
	default:
		dec := &rtpmjpeg.Decoder{}
		return single(dec.Init(), dec.Decode, rtpmjpeg.ErrMorePacketsNeeded)
	}
}

func several(failed error, decode func(*rtp.Packet) ([][]byte, error), more error) func(*rtp.Packet) ([][]byte, error) {
	return func(p *rtp.Packet) ([][]byte, error) {
		if failed != nil {
			return nil, failed
		}
		units, err := decode(p)
		if errors.Is(err, more) {
			err = errMore
		}
		return units, err
	}
}

func single(failed error, decode func(*rtp.Packet) ([]byte, error), more error) func(*rtp.Packet) ([][]byte, error) {
	return several(failed, func(p *rtp.Packet) ([][]byte, error) {
		unit, err := decode(p)
		return [][]byte{unit}, err
	}, more)
}
