package depacketizer

import (
	"fmt"

	"github.com/pion/rtp"
)

// latm takes AAC in LATM (RFC 3016, 4), whose configuration is in the SDP: a packet holds access units behind
// their lengths, in one program and layer.
type latm struct {
	d       *Depacketizer
	samples uint32
}

func newLATM(d *Depacketizer) format {
	if d.source.Params["cpresent"] != "0" || len(d.track.Config) == 0 {
		return nil
	}
	return &latm{d: d, samples: frameLength(d.track.Config)}
}

func (f *latm) push(p *rtp.Packet, _ bool) error {
	b, stamp := p.Payload, p.Timestamp
	for len(b) > 0 {
		size := 0
		for { // PayloadLengthInfo, ISO/IEC 14496-3, 1.7.3.1
			if len(b) == 0 {
				return fmt.Errorf("%w: LATM ends early", ErrBadPacket)
			}
			n := b[0]
			b = b[1:]
			size += int(n)
			if n != 255 {
				break
			}
		}
		if size > len(b) {
			// It goes on in the next packet, or is broken.
			f.d.drop()
			return fmt.Errorf("%w: an access unit of %d bytes in %d", ErrBadPacket, size, len(b))
		}
		if size > 0 {
			f.d.emit(stamp, append([]byte(nil), b[:size]...), false)
		}
		b, stamp = b[size:], stamp+f.samples
	}
	return nil
}
