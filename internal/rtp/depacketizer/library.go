package depacketizer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmjpeg"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpmpeg1audio"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v4/pkg/format/rtpvp9"
	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/media"
)

// library takes formats by gortsplib's decoders.
type library struct {
	d      *Depacketizer
	decode func(p *rtp.Packet) ([][]byte, error) // nil: to be made
	skip   bool                                  // up to a marker, because a part may be missing
	parts  bool                                  // the decoder waits for more of a unit
}

func newLibrary(d *Depacketizer) format { return &library{d: d} }

// errMore says that a unit is not complete.
var errMore = errors.New("more packets are needed")

func (f *library) push(p *rtp.Packet, lost bool) error {
	audio := !f.d.track.Codec.Video()
	if lost {
		if f.parts {
			f.d.drop()
		}
		f.decode, f.parts = nil, false
		// The first packet of a picture cannot be told from the rest in all formats.
		f.skip = !audio
	}
	if f.skip {
		if p.Marker {
			f.skip = false
			f.d.drop()
		}
		return nil
	}
	if f.decode == nil {
		f.decode = f.decoder()
	}
	// The decoders keep the payloads of fragments.
	q := *p
	q.Payload = bytes.Clone(p.Payload)
	units, err := f.guarded(&q)
	f.parts = errors.Is(err, errMore)
	if f.parts {
		return nil
	}
	if err != nil {
		f.decode = nil
		f.d.drop()
		return fmt.Errorf("%w: %w", ErrBadPacket, err)
	}
	f.emit(p.Timestamp, units)
	return nil
}

// guarded calls the decoder, which must not take the session down.
func (f *library) guarded(p *rtp.Packet) (units [][]byte, err error) {
	caught := try(func() error {
		units, err = f.decode(p)
		return nil
	})
	if caught != nil {
		return nil, caught
	}
	return units, err
}

func try(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return fn()
}

func (f *library) emit(stamp uint32, units [][]byte) {
	switch f.d.track.Codec {
	case media.AV1:
		if unit := temporalUnit(units); len(unit) > 0 {
			f.d.emit(stamp, unit, hasSequenceHeader(units))
		}
	case media.MP3:
		for _, u := range units {
			f.d.emit(stamp, u, false)
			stamp += mp3Ticks(u)
		}
	default:
		for _, u := range units {
			if len(u) > 0 {
				f.d.emit(stamp, u, f.isKey(u))
			}
		}
	}
}

// isKey reports whether decoding can start at a picture.
func (f *library) isKey(b []byte) bool {
	switch f.d.track.Codec {
	case media.VP8: // RFC 6386, 9.1
		return b[0]&1 == 0
	case media.VP9: // the uncompressed header: marker, profile, show_existing_frame, frame_type
		if b[0]>>4&3 == 3 {
			return b[0]>>6 == 2 && b[0]&0b110 == 0
		}
		return b[0]>>6 == 2 && b[0]&0b1100 == 0
	}
	return true // JPEG
}

// decoder makes a decoder for the codec.
func (f *library) decoder() func(p *rtp.Packet) ([][]byte, error) {
	switch f.d.track.Codec {
	case media.AV1:
		dec := &rtpav1.Decoder{}
		return several(dec.Init(), dec.Decode, rtpav1.ErrMorePacketsNeeded)
	case media.MP3:
		dec := &rtpmpeg1audio.Decoder{}
		return several(dec.Init(), dec.Decode, rtpmpeg1audio.ErrMorePacketsNeeded)
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
