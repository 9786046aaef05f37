package packetizer

import (
	"encoding/binary"
	"fmt"
	"math"
)

// appendRaw appends an RTP packet that came as one. It stays what it is but for who sends it: sequence number,
// timestamp and SSRC are ours (RFC 3550, 5.1).
func (z *Packetizer) appendRaw(dst, packet []byte, ts uint32) ([]byte, error) {
	if len(packet) < rtpHeader || len(packet) > math.MaxUint16 || packet[0]>>6 != rtpVersion {
		return nil, fmt.Errorf("%w: not an RTP packet, of %d bytes", ErrBadData, len(packet))
	}
	dst = append(dst, '$', z.c.Channel, byte(len(packet)>>8), byte(len(packet)))
	start := len(dst)
	dst = append(dst, packet...)
	binary.BigEndian.PutUint16(dst[start+2:], z.sent.seq)
	binary.BigEndian.PutUint32(dst[start+4:], ts)
	binary.BigEndian.PutUint32(dst[start+8:], z.c.SSRC)
	z.count(payloadSize(packet))
	return dst, nil
}

// payloadSize returns how much of an RTP packet reports count as payload: neither header nor padding
// (RFC 3550, 6.4.1).
func payloadSize(packet []byte) int {
	size := len(packet) - rtpHeader - 4*int(packet[0]&0x0f)
	if extended := packet[0]&0x10 != 0; extended && size >= 4 {
		at := len(packet) - size
		size -= 4 + 4*int(binary.BigEndian.Uint16(packet[at+2:]))
	}
	if padded := packet[0]&0x20 != 0; padded {
		size -= int(packet[len(packet)-1])
	}
	return max(size, 0)
}
