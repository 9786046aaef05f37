package packetizer

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/media"
)

// parameterSets returns what goes in front of key pictures of t.
func parameterSets(t *media.Track) ([][]byte, error) {
	if t.Codec != media.H264 && t.Codec != media.H265 || len(t.Config) == 0 {
		return nil, nil
	}
	s, _, err := h26x.Parse(t.Codec, t.Config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadData, err)
	}
	sets := slices.Concat(s.VPS, s.SPS, s.PPS)
	for _, unit := range sets {
		if len(unit) < unitHeader(t.Codec) {
			return nil, fmt.Errorf("%w: parameter set of %d bytes", ErrBadData, len(unit))
		}
	}
	return sets, nil
}

// unitHeader returns the size of the header of NAL units, which is also that of the payload headers of RTP.
func unitHeader(codec media.Codec) int {
	if codec == media.H265 {
		return 2
	}
	return 1
}

// appendPicture appends an access unit of H.264 or H.265.
func (z *Packetizer) appendPicture(dst []byte, p *media.Packet, ts uint32) ([]byte, error) {
	defer func() { clear(z.units) }() // not to keep the packet alive
	if err := z.gather(p); err != nil {
		return nil, err
	}
	for rest := z.units; len(rest) > 0; {
		n := z.fitting(rest)
		last := n == len(rest)
		switch {
		case n > 1:
			dst = z.appendAggregate(dst, ts, rest[:n], last)
		case len(rest[0]) <= z.c.MaxPayload:
			dst = z.appendOne(dst, ts, rest[0], last)
		default:
			dst = z.appendFragments(dst, ts, rest[0], last)
		}
		rest = rest[n:]
	}
	return dst, nil
}

// gather makes z.units the NAL units to send for p: its own, behind the parameter sets if decoding can start
// here and p does not bring them.
func (z *Packetizer) gather(p *media.Packet) error {
	z.units = z.units[:0]
	if p.Key {
		z.units = append(z.units, z.sets...)
	}
	sets := len(z.units)
	for data := p.Data; len(data) > 0; {
		unit, rest, err := takeUnit(data)
		if err != nil {
			return err
		}
		if data = rest; len(unit) == 0 {
			continue
		}
		if len(unit) < unitHeader(z.track.Codec) {
			return fmt.Errorf("%w: NAL unit of %d bytes", ErrBadData, len(unit))
		}
		typ := h26x.UnitType(z.track.Codec, unit[0])
		if isSPS(z.track.Codec, typ) {
			z.units, sets = slices.Delete(z.units, 0, sets), 0
		}
		if carried(z.track.Codec, typ) {
			z.units = append(z.units, unit)
		}
	}
	return nil
}

// takeUnit returns the NAL unit that data begins with and what is behind it.
func takeUnit(data []byte) (unit, rest []byte, err error) {
	if len(data) < 4 || uint64(binary.BigEndian.Uint32(data)) > uint64(len(data)-4) {
		return nil, nil, fmt.Errorf("%w: NAL unit ends early", ErrBadData)
	}
	n := 4 + int(binary.BigEndian.Uint32(data))
	return data[4:n], data[n:], nil
}

func isSPS(codec media.Codec, typ byte) bool {
	if codec == media.H265 {
		return typ == h26x.HEVCSPS
	}
	return typ == h26x.AVCSPS
}

// carried reports whether NAL units of a type are sent. Delimiters are not, as timestamps and markers replace
// them, nor the types that mean aggregates and fragments in RTP (RFC 6184, 5.2; RFC 7798, 4.4).
func carried(codec media.Codec, typ byte) bool {
	if codec == media.H265 {
		return typ != h26x.HEVCDelimiter && typ < hevcAP
	}
	return typ != h26x.AVCDelimiter && typ != 0 && typ < avcSTAPA
}

// fitting returns how many of the units, at least one, go into the next packet if aggregated.
func (z *Packetizer) fitting(units [][]byte) int {
	size := unitHeader(z.track.Codec)
	for i, unit := range units {
		if size += 2 + len(unit); size > z.c.MaxPayload {
			return max(i, 1)
		}
	}
	return len(units)
}

// appendAggregate appends a packet of several NAL units, each behind its length in two bytes.
func (z *Packetizer) appendAggregate(dst []byte, ts uint32, units [][]byte, marker bool) []byte {
	start := len(dst)
	dst = z.open(dst, ts)
	if z.track.Codec == media.H265 {
		dst = appendAP(dst, units)
	} else {
		dst = appendSTAPA(dst, units)
	}
	for _, unit := range units {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(unit)))
		dst = append(dst, unit...)
	}
	return z.seal(dst, start, marker)
}

// appendFragments appends a NAL unit in pieces. All packets but the last are of the same size, which lets the
// kernel cut what is sent by UDP (generic segmentation offload).
func (z *Packetizer) appendFragments(dst []byte, ts uint32, unit []byte, marker bool) []byte {
	head := unitHeader(z.track.Codec)
	size := z.c.MaxPayload - head - 1
	flags := byte(fuStart)
	for rest := unit[head:]; len(rest) > 0; {
		n := min(size, len(rest))
		if n == len(rest) {
			flags = fuEnd
		}
		start := len(dst)
		dst = z.open(dst, ts)
		if z.track.Codec == media.H265 {
			dst = appendFU(dst, unit, flags)
		} else {
			dst = appendFUA(dst, unit, flags)
		}
		dst = append(dst, rest[:n]...)
		dst = z.seal(dst, start, marker && n == len(rest))
		rest, flags = rest[n:], 0
	}
	return dst
}
