package packetizer

import (
	"fmt"
	"math"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	mp3Header = 4       // RFC 2250, 3.5
	aacHeader = 4       // RFC 3640, 3.2.1: AU-headers-length and one AU-header
	aacLimit  = 1 << 13 // sizeLength of AAC-hbr is 13 (RFC 3640, 3.3.6)
)

// appendAAC appends an AU in AAC-hbr mode (RFC 3640, 3.3.6), one a packet or in fragments. The size in the AU
// header is always that of the whole AU, also in front of a fragment (3.2.1.1).
func (z *Packetizer) appendAAC(dst, au []byte, ts uint32) ([]byte, error) {
	if len(au) >= aacLimit {
		return nil, fmt.Errorf("%w: AAC access unit of %d bytes", ErrBadData, len(au))
	}
	size := uint16(len(au)) << 3 // AU-Index is 0
	for rest := au; len(rest) > 0; {
		n := min(z.c.MaxPayload-aacHeader, len(rest))
		start := len(dst)
		dst = append(z.open(dst, ts), 0, 16, byte(size>>8), byte(size))
		dst = append(dst, rest[:n]...)
		rest = rest[n:]
		dst = z.seal(dst, start, len(rest) == 0)
	}
	return dst, nil
}

// appendMP3 appends a frame of MPEG audio, each packet saying at which byte of it it begins (RFC 2250, 3.5). The
// marker would mean that speech begins again after silence (3.3), which nobody told us.
func (z *Packetizer) appendMP3(dst, frame []byte, ts uint32) ([]byte, error) {
	if len(frame) > math.MaxUint16 {
		return nil, fmt.Errorf("%w: MPEG audio frame of %d bytes", ErrBadData, len(frame))
	}
	for at := 0; at < len(frame); {
		n := min(z.c.MaxPayload-mp3Header, len(frame)-at)
		start := len(dst)
		dst = append(z.open(dst, ts), 0, 0, byte(at>>8), byte(at))
		dst = append(dst, frame[at:at+n]...)
		dst = z.seal(dst, start, false)
		at += n
	}
	return dst, nil
}

// AppendAll appends packets of the track. Access units of AAC that follow one another share RTP packets
// (RFC 3640, 3.2.1) as far as MaxPayload allows. On an error the packets before the one that failed are appended.
func (z *Packetizer) AppendAll(dst []byte, ps []*media.Packet) ([]byte, error) {
	for len(ps) > 0 {
		n := z.together(ps)
		if n < 2 {
			var err error
			if dst, err = z.Append(dst, ps[0]); err != nil {
				return dst, err
			}
			ps = ps[1:]
			continue
		}
		dst = z.appendAACs(dst, ps[:n])
		ps = ps[n:]
	}
	return dst, nil
}

// together returns how many of the access units fit into one RTP packet.
func (z *Packetizer) together(ps []*media.Packet) (n int) {
	size := 2
	for n < len(ps) {
		p := ps[n]
		size += 2 + len(p.Data)
		if p.Track.Codec != media.AAC || len(p.Data) == 0 || len(p.Data) >= aacLimit || size > z.c.MaxPayload ||
			n > 0 && !z.follows(ps[0], p, n) {
			break
		}
		n++
	}
	return n
}

// follows reports whether p is n frames of 1024 samples after first, give or take what stamps in milliseconds
// leave out.
func (z *Packetizer) follows(first, p *media.Packet, n int) bool {
	const slack = 3 * time.Millisecond
	off := p.PTS - first.PTS - time.Duration(n)*1024*time.Second/time.Duration(z.c.ClockRate)
	return off > -slack && off < slack
}

// appendAACs appends one RTP packet of several access units: the bits of their headers, these, and the units.
func (z *Packetizer) appendAACs(dst []byte, ps []*media.Packet) []byte {
	start, bits := len(dst), 16*len(ps)
	dst = append(z.open(dst, z.timestamp(ps[0].PTS)), byte(bits>>8), byte(bits))
	for _, p := range ps {
		size := uint16(len(p.Data)) << 3 // AU-Index and AU-Index-delta are 0
		dst = append(dst, byte(size>>8), byte(size))
	}
	for _, p := range ps {
		dst = append(dst, p.Data...)
	}
	return z.seal(dst, start, true)
}
