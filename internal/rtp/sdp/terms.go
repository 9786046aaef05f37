package sdp

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// Terms returns what players must have been told of a track before they can use its packets: two offers with the same
// terms differ in nothing that the packets do not tell by themselves. Parameter sets, for example, come in band.
func (o Offer) Terms() string {
	switch o.Track.Codec {
	case media.H264, media.H265, media.AV1, media.Opus:
		m, _ := encodingOf(o.Track)
		return fmt.Sprintf("%d %s", o.PayloadType, m.append(nil))
	}
	o.Control, o.Connection, o.Port = "", "", 0
	return string(o.append(nil))
}
