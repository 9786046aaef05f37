package gb28181

import (
	"encoding/binary"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// label is what the packets of one sender have of their own.
type label struct {
	payloadType uint8
	ssrc        uint32
}

// put writes it into the header of a packet.
func (l label) put(packet []byte) {
	packet[1] = packet[1]&0x80 | l.payloadType
	binary.BigEndian.PutUint32(packet[8:], l.ssrc)
}

// appendRuns appends a chunk of runs whose packets have the label.
func (l label) appendRuns(dst, chunk []byte) []byte {
	begin := len(dst)
	dst = append(dst, chunk...)
	for rest := dst[begin:]; len(rest) > 0; {
		var unit int
		var packets []byte
		_, unit, packets, rest = datagram.TakeRun(rest)
		for ; len(packets) > 0; packets = packets[min(unit, len(packets)):] {
			l.put(packets)
		}
	}
	return dst
}

// appendFrames appends the packets of a chunk with the label, each behind its length (RFC 4571).
func (l label) appendFrames(dst, chunk []byte) []byte {
	for len(chunk) > 0 {
		var unit int
		var packets []byte
		_, unit, packets, chunk = datagram.TakeRun(chunk)
		for len(packets) > 0 {
			n := min(unit, len(packets))
			dst = binary.BigEndian.AppendUint16(dst, uint16(n))
			at := len(dst)
			dst = append(dst, packets[:n]...)
			l.put(dst[at:])
			packets = packets[n:]
		}
	}
	return dst
}

// lastStamp returns the RTP timestamp of the last packet of a chunk, and how many it has with how many bytes of payload.
func lastStamp(chunk []byte) (stamp uint32, packets, octets int) {
	for len(chunk) > 0 {
		var unit int
		var run []byte
		_, unit, run, chunk = datagram.TakeRun(chunk)
		n := (len(run) + unit - 1) / unit
		stamp = binary.BigEndian.Uint32(run[(n-1)*unit+4:])
		packets, octets = packets+n, octets+len(run)-n*rtpHeader
	}
	return stamp, packets, octets
}
