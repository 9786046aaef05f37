// Package depacketizer turns the RTP packets of one media into pictures and audio frames. A unit of which a
// packet may be missing is left out.
package depacketizer

import (
	"errors"
	"fmt"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/media"
)

var (
	// ErrUnsupported says that the payload format is not known.
	ErrUnsupported = errors.New("depacketizer: unsupported payload format")
	// ErrBadPacket says that a packet is broken. Those after it may be used all the same.
	ErrBadPacket = errors.New("depacketizer: bad packet")
)

const (
	// maxUnit bounds a picture, in bytes.
	maxUnit = 8 << 20
	// maxNALs bounds the NAL units of a picture.
	maxNALs = 512
)

// Source says what the packets carry, as SDP does.
type Source struct {
	// Track describes the media: codec, clock rate, and the configuration if it is known.
	Track *media.Track
	// PayloadType is that of the packets. Those of another are refused.
	PayloadType uint8
	// Params are those of fmtp, keys in lower case.
	Params map[string]string
	// Encoding is the name in rtpmap, in upper case.
	Encoding string
}

// Unit is a picture or an audio frame.
type Unit struct {
	// Stamp is the RTP timestamp: presentation time in ticks of the clock.
	Stamp uint32
	// Data is what media.Packet.Data is. It is never changed.
	Data []byte
	// Key says that decoding can start here.
	Key bool
	// Track describes the unit: a new one when parameter sets in band have changed.
	Track *media.Track
	// Gap says that units are missing in front of this one.
	Gap bool
}

// format takes the packets of one payload format. lost says that packets are missing in front.
type format interface {
	push(p *rtp.Packet, lost bool) error
}

// Depacketizer is for one goroutine at a time.
type Depacketizer struct {
	source  Source
	track   *media.Track
	format  format
	units   []Unit
	torn    uint64
	gap     bool
	lost    bool   // packets are missing in front of the next one that counts
	dropped uint32 // timestamp of the unit that was left out last
}

// New returns a depacketizer, or ErrUnsupported if the payload format, or the form of it that the parameters ask
// for, is not known.
func New(s Source) (*Depacketizer, error) {
	d := &Depacketizer{source: s, track: s.Track}
	switch s.Track.Codec {
	case media.H264, media.H265:
		if !hasDecodingOrder(s.Params) {
			d.format = newNALs(d)
		}
	case media.AAC:
		d.format = newAAC(d)
	case media.G711A, media.G711U, media.Opus, media.L16:
		d.format = frames{d}
	case media.RawRTP:
		d.format = raw{d}
	case media.MP3:
		d.format = &mpegAudio{d: d}
	case media.VP8, media.VP9, media.AV1, media.JPEG:
		d.format = newLibrary(d)
	}
	if d.format == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, s.Encoding)
	}
	return d, nil
}

// Track returns the newest description of the media.
func (d *Depacketizer) Track() *media.Track { return d.track }

// Torn returns how many units were left out because a part of them was missing.
func (d *Depacketizer) Torn() uint64 { return d.torn }

// Push takes the next packet in order; lost says that packets are missing in front of it. It returns the units
// that are complete, often none; the slice is valid until the next call, what is under it for ever. An error
// concerns this packet only. Push does not keep p, nor its payload.
func (d *Depacketizer) Push(p *rtp.Packet, lost bool) ([]Unit, error) {
	d.units = d.units[:0]
	if lost {
		d.gap, d.lost = true, true
	}
	if len(p.Payload) == 0 {
		return nil, nil // padding, or to keep a way open
	}
	if p.PayloadType != d.source.PayloadType {
		return nil, fmt.Errorf("%w: payload type %d, not %d", ErrBadPacket, p.PayloadType, d.source.PayloadType)
	}
	// A packet that does not count must not hide a loss in front of it from the one behind it.
	lost, d.lost = d.lost, false
	err := d.format.push(p, lost)
	return d.units, err
}

// emit hands out a unit.
func (d *Depacketizer) emit(stamp uint32, data []byte, key bool) {
	d.units = append(d.units, Unit{Stamp: stamp, Data: data, Key: key, Track: d.track, Gap: d.gap})
	d.gap = false
}

// drop leaves out the unit of a timestamp. Its remains may turn up in several places, and count once.
func (d *Depacketizer) drop(stamp uint32) {
	d.gap = true
	if d.torn == 0 || d.dropped != stamp {
		d.torn++
	}
	d.dropped = stamp
}
