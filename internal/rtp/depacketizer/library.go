package depacketizer

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/media"
)

// overhead is what a packet costs gortsplib's decoders beside its payload, in bytes.
const overhead = 64

// errMore says that a unit is not complete.
var errMore = errors.New("more packets are needed")

// library takes formats by gortsplib's decoders. They know neither of loss nor, all of them, of bounds.
type library struct {
	d      *Depacketizer
	codec  media.Codec
	decode func(p *rtp.Packet) ([][]byte, error) // nil: to be made
	skip   bool                                  // a part of the unit at hand is missing, or may be
	parts  bool                                  // the decoder waits for more of a unit
	stamp  uint32                                // of the last packet
	held   int                                   // bytes that the decoder may hold
}

// newLibrary begins as if after a loss: the first packet may be of the middle of a picture.
func newLibrary(d *Depacketizer) format {
	return &library{d: d, codec: d.track.Codec, skip: true}
}

func (f *library) push(p *rtp.Packet, lost bool) error {
	if f.parts && (lost || p.Timestamp != f.stamp) {
		f.giveUp()
	}
	f.stamp = p.Timestamp
	if f.skip = f.skip || lost; f.skip && !f.resumes(p) {
		return nil
	}
	if f.decode == nil {
		f.decode, f.held = newDecoder(f.codec), 0
	}
	if f.held += len(p.Payload) + overhead; f.held > maxUnit {
		return f.fail(p, errors.New("too much of one unit"))
	}
	q := *p
	q.Payload = bytes.Clone(p.Payload) // the decoders keep those of fragments
	units, err := f.guarded(&q)
	if f.parts = errors.Is(err, errMore); f.parts {
		return nil
	}
	if err == nil {
		f.held = 0
		err = f.emit(p.Timestamp, units)
	}
	if err != nil {
		return f.fail(p, err)
	}
	return nil
}

// resumes reports whether a unit surely begins with a packet, after a loss. If not, the packet is left out, and the
// next unit begins behind the marker.
func (f *library) resumes(p *rtp.Packet) bool {
	f.decode = nil
	if begins(f.codec, p.Payload) {
		f.skip = false
		return true
	}
	f.skip = !p.Marker || !f.codec.Video()
	f.d.drop(p.Timestamp)
	return false
}

// giveUp leaves out the unit that the decoder has a part of.
func (f *library) giveUp() {
	f.decode, f.parts, f.skip = nil, false, true
	f.d.drop(f.stamp)
}

// fail leaves out the unit that a broken packet is of.
func (f *library) fail(p *rtp.Packet, err error) error {
	f.giveUp()
	f.skip = !p.Marker || !f.codec.Video()
	return fmt.Errorf("%w: %w", ErrBadPacket, err)
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

func (f *library) emit(stamp uint32, units [][]byte) error {
	switch f.codec {
	case media.AV1:
		unit, key, err := temporalUnit(units)
		if err != nil {
			return err
		}
		if key {
			f.d.track = describeAV1(f.d.track, units)
		}
		if len(unit) > 0 {
			f.d.emit(stamp, unit, key)
		}
	default:
		for _, u := range units {
			if len(u) > 0 {
				f.d.emit(stamp, u, isKey(f.codec, u))
			}
		}
	}
	return nil
}
