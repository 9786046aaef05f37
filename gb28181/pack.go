package gb28181

import (
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/packetizer"
)

const (
	rtpHeader   = 12
	frameHeader = 4 // of an interleaved frame (RFC 2326, 10.12), which a packet has on its way into a run
)

// packer puts bytes into RTP packets that all senders of a format share, but for the payload type and the SSRC: see label.
type packer struct {
	seq    uint16
	offset uint32 // of stamps
	most   int    // bytes of payload
	frames []byte
}

func newPacker(most int) packer {
	return packer{seq: uint16(rand.Uint32()), offset: rand.Uint32(), most: most}
}

// append appends runs of packets with b as their payload, the last of which has the marker.
func (p *packer) append(dst, b []byte, at time.Duration) []byte {
	stamp := packetizer.Stamp(at, programRate, p.offset)
	p.frames = p.frames[:0]
	for len(b) > 0 {
		n := min(p.most, len(b))
		marker := byte(0)
		if n == len(b) {
			marker = 0x80
		}
		p.frames = append(p.frames, '$', 0)
		p.frames = binary.BigEndian.AppendUint16(p.frames, uint16(rtpHeader+n))
		p.frames = append(p.frames, 0x80, marker)
		p.frames = binary.BigEndian.AppendUint16(p.frames, p.seq)
		p.frames = binary.BigEndian.AppendUint32(p.frames, stamp)
		p.frames = append(p.frames, 0, 0, 0, 0)
		p.frames = append(p.frames, b[:n]...)
		p.seq++
		b = b[n:]
	}
	return datagram.AppendRuns(dst, p.frames)
}
