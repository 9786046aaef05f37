// Package packetizer turns the packets of a track into RTP packets (RFC 3550), framed for the connection of an
// RTSP session (RFC 2326, 10.12).
package packetizer

import (
	"errors"
	"fmt"
	"math"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/media"
)

// ErrUnsupported says that there is no payload format for a codec here.
var ErrUnsupported = errors.New("packetizer: unsupported codec")

// ErrBadData says that a packet, or the configuration of its track, is broken or cannot be sent as it is.
var ErrBadData = errors.New("packetizer: bad data")

const (
	defaultPayload = 1400
	// minPayload has room for the longest headers, those of JPEG with its tables, and for some data.
	minPayload = 256
	// maxPayload is what the 16-bit length of an interleaved frame leaves.
	maxPayload = math.MaxUint16 - rtpHeader
)

// Config says how the packets of a track are labeled.
type Config struct {
	// Channel is the interleaved channel of the RTP packets. Reports go on the one after it.
	Channel byte
	// PayloadType stands in every RTP packet, except with [media.RawRTP], whose packets bring their own.
	PayloadType uint8
	// ClockRate is that of RTP timestamps in Hz, as the session description has it.
	ClockRate int
	// SSRC identifies the sender (RFC 3550, 3).
	SSRC uint32
	// Seq is the sequence number of the first packet.
	Seq uint16
	// Offset is the RTP timestamp of a PTS of 0.
	Offset uint32
	// MaxPayload is how many bytes the payload of an RTP packet may have; 0 means 1400. It does not bind
	// [media.RawRTP], which is never cut.
	MaxPayload int
	// CNAME names the sender in reports and must be the same for all tracks of a session, which is how receivers
	// know that they play together (RFC 3550, 6.5.1). Empty means "sluice".
	CNAME string
}

// Packetizer makes the RTP packets of one track. It must not be used by several goroutines at once.
type Packetizer struct {
	c       Config
	track   *media.Track
	sets    [][]byte // the parameter sets of track, in the order they are sent
	units   [][]byte // NAL units or OBUs of the packet in work; kept for its memory
	scratch []byte   // what units lie in if not in the packet's data
	encode  func([]byte) ([]*rtp.Packet, error)
	sent    counters
}

// counters are what an error takes back.
type counters struct {
	seq             uint16
	packets, octets uint32
}

// New returns a Packetizer for the packets of t. The error wraps [ErrUnsupported] if RTP cannot carry its codec.
func New(t *media.Track, c Config) (*Packetizer, error) {
	if c.MaxPayload == 0 {
		c.MaxPayload = defaultPayload
	}
	if c.CNAME == "" {
		c.CNAME = "sluice"
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	z := &Packetizer{c: c, sent: counters{seq: c.Seq}}
	if err := z.choose(t.Codec); err != nil {
		return nil, err
	}
	if err := z.follow(t); err != nil {
		return nil, err
	}
	return z, nil
}

func (c Config) check() error {
	switch {
	case c.ClockRate <= 0 || c.ClockRate > math.MaxInt32:
		return fmt.Errorf("packetizer: clock rate of %d Hz", c.ClockRate)
	case c.PayloadType > 127:
		return fmt.Errorf("packetizer: payload type %d", c.PayloadType)
	case c.MaxPayload < minPayload || c.MaxPayload > maxPayload:
		return fmt.Errorf("packetizer: payloads of %d bytes, not %d to %d", c.MaxPayload, minPayload, maxPayload)
	case len(c.CNAME) > 255:
		return fmt.Errorf("packetizer: CNAME of %d bytes", len(c.CNAME))
	}
	return nil
}

// choose prepares for a codec, which stays the same for good.
func (z *Packetizer) choose(codec media.Codec) (err error) {
	switch codec {
	case media.VP8, media.VP9, media.JPEG:
		z.encode, err = newEncoder(codec, z.c)
		return err
	case media.H264, media.H265, media.AV1, media.AAC, media.G711A, media.G711U, media.Opus, media.MP3, media.L16, media.RawRTP:
		return nil
	}
	return fmt.Errorf("%w: %v", ErrUnsupported, codec.LogValue())
}

// Follows reports whether t is the track whose packets came last, or that New was told of.
func (z *Packetizer) Follows(t *media.Track) bool { return t == z.track }

// follow makes t the track whose parameter sets are sent.
func (z *Packetizer) follow(t *media.Track) error {
	switch {
	case t == z.track:
		return nil
	case z.track != nil && t.Codec != z.track.Codec:
		return fmt.Errorf("%w: %v in a track of %v", ErrUnsupported, t.Codec.LogValue(), z.track.Codec.LogValue())
	}
	sets, err := parameterSets(t)
	if err != nil {
		return err
	}
	z.track, z.sets = t, sets
	return nil
}

// Append appends the RTP packets that carry p, one interleaved frame each. p's track may be a newer one with the
// ID and codec that New was told of. On an error, which wraps [ErrBadData] if p is to blame, nothing is appended
// and no sequence number is spent.
func (z *Packetizer) Append(dst []byte, p *media.Packet) ([]byte, error) {
	if err := z.follow(p.Track); err != nil {
		return dst, err
	}
	before := z.sent
	b, err := z.appendPayload(dst, p)
	if err != nil {
		z.sent = before
		return dst, err
	}
	return b, nil
}

func (z *Packetizer) appendPayload(dst []byte, p *media.Packet) ([]byte, error) {
	ts := z.timestamp(p.PTS)
	switch {
	case z.track.Codec == media.RawRTP:
		return z.appendRaw(dst, p.Data, ts)
	case len(p.Data) == 0:
		return dst, nil
	}
	switch z.track.Codec {
	case media.H264, media.H265:
		return z.appendPicture(dst, p, ts)
	case media.AV1:
		return z.appendTemporalUnit(dst, p, ts)
	case media.AAC:
		return z.appendAAC(dst, p.Data, ts)
	case media.G711A, media.G711U:
		return z.appendSamples(dst, p.Data, ts, 1)
	case media.L16:
		return z.appendSamples(dst, p.Data, ts, 2)
	case media.Opus:
		return z.appendOpus(dst, p.Data, ts)
	case media.MP3:
		return z.appendMP3(dst, p.Data, ts)
	default:
		return z.appendEncoded(dst, p.Data, ts)
	}
}
