package depacketizer

import (
	"bytes"

	"github.com/pion/rtp"
)

// frames takes formats whose payload is one frame, or samples: G.711 and L16 (RFC 3551), Opus (RFC 7587).
type frames struct{ d *Depacketizer }

func (f frames) push(p *rtp.Packet, _ bool) error {
	if len(p.Payload) > 0 {
		f.d.emit(p.Timestamp, bytes.Clone(p.Payload), false)
	}
	return nil
}

// raw passes packets on as they are.
type raw struct{ d *Depacketizer }

func (f raw) push(p *rtp.Packet, _ bool) error {
	b, err := p.Marshal()
	if err != nil {
		return err
	}
	f.d.emit(p.Timestamp, b, false)
	return nil
}
