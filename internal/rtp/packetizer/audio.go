package packetizer

import "fmt"

// appendSamples appends PCM (RFC 3551, 4.5.11 and 4.5.14) of so many bytes a sample and channel. It is cut
// between samples, and later packets carry later timestamps.
func (z *Packetizer) appendSamples(dst, data []byte, ts uint32, width int) ([]byte, error) {
	width *= max(z.track.Channels, 1)
	size := z.c.MaxPayload / width * width
	if size == 0 || len(data)%width != 0 {
		return nil, fmt.Errorf("%w: %d bytes of samples of %d", ErrBadData, len(data), width)
	}
	for len(data) > 0 {
		n := min(size, len(data))
		dst = z.appendOne(dst, ts, data[:n], false)
		data = data[n:]
		ts += uint32(n / width)
	}
	return dst, nil
}

// appendOpus appends an Opus packet, which cannot be cut (RFC 7587, 4.2).
func (z *Packetizer) appendOpus(dst, data []byte, ts uint32) ([]byte, error) {
	if len(data) > z.c.MaxPayload {
		return nil, fmt.Errorf("%w: Opus packet of %d bytes", ErrBadData, len(data))
	}
	return z.appendOne(dst, ts, data, false), nil
}
