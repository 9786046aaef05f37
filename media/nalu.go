package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// hasUnits reports whether packets of a codec are NAL units, each behind its length.
func hasUnits(c Codec) bool { return c == H264 || c == H265 }

// startsWithCode reports whether data is in the byte stream format (ITU-T H.264, B.1), which is not that of packets.
func startsWithCode(data []byte) bool {
	return bytes.HasPrefix(data, []byte{0, 0, 1}) || bytes.HasPrefix(data, []byte{0, 0, 0, 1})
}

// checkConfig refuses a Config that is in the byte stream format.
func checkConfig(t *Track) error {
	if hasUnits(t.Codec) && startsWithCode(t.Config) {
		return fmt.Errorf("%w: the Config of track %d has start codes; it must be an avcC or hvcC, see Track", ErrBadTracks, t.ID)
	}
	return nil
}

// whole reports whether data is NAL units, each behind its length in four bytes, and nothing else.
func whole(data []byte) bool {
	for len(data) >= 4 {
		n := binary.BigEndian.Uint32(data)
		if uint64(n) > uint64(len(data)-4) {
			return false
		}
		data = data[4+n:]
	}
	return len(data) == 0
}

// checkUnits says once of a publisher that its pictures are none: no viewer could show them. Key frames are looked at only.
func (p *Publisher) checkUnits(pkt *Packet) {
	if !pkt.Key || !hasUnits(pkt.Track.Codec) || p.brokenUnits || whole(pkt.Data) {
		return
	}
	p.brokenUnits = true
	p.logger().Warn("pictures are not NAL units behind their lengths in four bytes, no viewer can show them",
		"codec", pkt.Track.Codec, "startCode", startsWithCode(pkt.Data))
}
