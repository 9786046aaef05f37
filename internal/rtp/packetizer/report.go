package packetizer

import (
	"encoding/binary"
	"time"
)

const (
	senderReport      = 200 // RFC 3550, 12.1
	sourceDescription = 202
	itemCNAME         = 1 // RFC 3550, 12.2

	// ntpEpoch is how many seconds NTP's era, which began in 1900, is ahead of Unix time.
	ntpEpoch = 2208988800
)

// AppendReport appends a frame with a compound RTCP packet: a sender report (RFC 3550, 6.4.1) that says that the
// time at of the stream is ntp by the wall clock, and the CNAME (6.5.1). A zero ntp means that it is not known.
func (z *Packetizer) AppendReport(dst []byte, at time.Duration, ntp time.Time) []byte {
	start := len(dst)
	dst = append(dst, '$', z.c.Channel+1, 0, 0, rtpVersion<<6, senderReport, 0, 6)
	dst = binary.BigEndian.AppendUint32(dst, z.c.SSRC)
	dst = binary.BigEndian.AppendUint64(dst, ntpTime(ntp))
	dst = binary.BigEndian.AppendUint32(dst, z.timestamp(at))
	dst = binary.BigEndian.AppendUint32(dst, z.sent.packets)
	dst = binary.BigEndian.AppendUint32(dst, z.sent.octets)
	dst = z.appendDescription(dst)
	binary.BigEndian.PutUint16(dst[start+2:], uint16(len(dst)-start-frameHeader))
	return dst
}

// MoveReport makes the sender report at the head of an RTCP packet one of now: its NTP time is now, and the RTP timestamp,
// of so many ticks a second, as much later. A packet without a report, one that knows no NTP time and one that is ahead
// of now stay as they are.
func MoveReport(packet []byte, rate int, now time.Time) {
	const ntpAt, stampAt, size = 8, 16, 28
	if len(packet) < size || packet[1] != senderReport || rate <= 0 {
		return
	}
	ntp := binary.BigEndian.Uint64(packet[ntpAt:])
	if ntp == 0 {
		return
	}
	ticks := ticks(now.Sub(fromNTP(ntp)), rate)
	if ticks <= 0 { // clients take what comes before the first timestamp for what is long after it
		return
	}
	binary.BigEndian.PutUint64(packet[ntpAt:], ntpTime(now))
	binary.BigEndian.PutUint32(packet[stampAt:], binary.BigEndian.Uint32(packet[stampAt:])+uint32(ticks))
}

// appendDescription appends a source description with the CNAME alone. A chunk ends with one to four zeros, on a
// boundary of 32 bits.
func (z *Packetizer) appendDescription(dst []byte) []byte {
	words := 1 + (2+len(z.c.CNAME))/4 + 1 // SSRC, item and end
	dst = append(dst, rtpVersion<<6|1, sourceDescription, byte(words>>8), byte(words))
	dst = binary.BigEndian.AppendUint32(dst, z.c.SSRC)
	dst = append(dst, itemCNAME, byte(len(z.c.CNAME)))
	dst = append(dst, z.c.CNAME...)
	for range 4 - (2+len(z.c.CNAME))%4 {
		dst = append(dst, 0)
	}
	return dst
}

// ntpTime returns t as seconds since 1900 with 32 bits of fraction (RFC 3550, 4).
func ntpTime(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	fraction := uint64(t.Nanosecond()) << 32 / uint64(time.Second)
	return uint64(t.Unix()+ntpEpoch)<<32 | fraction
}

// fromNTP undoes ntpTime.
func fromNTP(ntp uint64) time.Time {
	fraction := (ntp&0xffffffff)*uint64(time.Second)>>32 + 1 // cut off twice
	return time.Unix(int64(ntp>>32)-ntpEpoch, int64(fraction))
}
