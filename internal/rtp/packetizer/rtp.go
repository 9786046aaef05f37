package packetizer

import (
	"encoding/binary"
	"time"
)

const (
	frameHeader = 4  // RFC 2326, 10.12: '$', channel, length
	rtpHeader   = 12 // RFC 3550, 5.1, without CSRC list and extension
	rtpVersion  = 2
	markerBit   = 0x80 // in the second byte of an RTP packet
)

// open appends what comes before the payload of an RTP packet. The caller appends the payload and calls seal.
func (z *Packetizer) open(dst []byte, ts uint32) []byte {
	dst = append(dst, '$', z.c.Channel, 0, 0, rtpVersion<<6, z.c.PayloadType)
	dst = binary.BigEndian.AppendUint16(dst, z.sent.seq)
	dst = binary.BigEndian.AppendUint32(dst, ts)
	return binary.BigEndian.AppendUint32(dst, z.c.SSRC)
}

// seal completes the packet whose frame is all of b from start on.
func (z *Packetizer) seal(b []byte, start int, marker bool) []byte {
	binary.BigEndian.PutUint16(b[start+2:], uint16(len(b)-start-frameHeader))
	if marker {
		b[start+frameHeader+1] |= markerBit
	}
	z.count(len(b) - start - frameHeader - rtpHeader)
	return b
}

// appendOne appends a packet whose payload is there in one piece.
func (z *Packetizer) appendOne(dst []byte, ts uint32, payload []byte, marker bool) []byte {
	start := len(dst)
	dst = append(z.open(dst, ts), payload...)
	return z.seal(dst, start, marker)
}

// count notes that a packet with a payload of so many bytes is done.
func (z *Packetizer) count(payload int) {
	z.sent.seq++
	z.sent.packets++
	z.sent.octets += uint32(payload)
}

// TakeBack undoes that an RTP packet was made, after those that followed it or together with them: it will not be sent. It does
// nothing on nil.
func (z *Packetizer) TakeBack(packet []byte) {
	if z == nil || len(packet) < rtpHeader {
		return
	}
	z.sent.seq--
	z.sent.packets--
	z.sent.octets -= uint32(payloadSize(packet))
}

// timestamp returns the RTP timestamp nearest to a time of the stream.
func (z *Packetizer) timestamp(at time.Duration) uint32 {
	return Stamp(at, z.c.ClockRate, z.c.Offset)
}

// Stamp returns the RTP timestamp nearest to a time, of a clock with so many ticks a second that stands at offset when
// the time is 0 (RFC 3550, 5.1). It wraps.
func Stamp(at time.Duration, rate int, offset uint32) uint32 { return offset + uint32(ticks(at, rate)) }

// ticks returns the ticks nearest to a time. Seconds and the rest are scaled apart because their product with the rate
// would leave 64 bits after a day.
func ticks(at time.Duration, rate int) int64 {
	second, rest := int64(at/time.Second), int64(at%time.Second)
	if rest < 0 {
		second, rest = second-1, rest+int64(time.Second)
	}
	return second*int64(rate) + (rest*int64(rate)+int64(time.Second)/2)/int64(time.Second)
}
