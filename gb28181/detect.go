package gb28181

import (
	"encoding/binary"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/h26x"
	"github.com/sluice-media/sluice/internal/mpegps"
	"github.com/sluice-media/sluice/internal/rtp/framing"
	"github.com/sluice-media/sluice/media"
)

// content is what RTP packets carry.
type content int

const (
	unknown content = iota
	programStream
	transportStream
	h264
	h265
	opus
	pcmu
	pcma
)

const tsPacket = 188

// detect tells what a packet carries, by how its payload begins or by its type. Of most packets it cannot: then it is left to another. Nothing
// is lost by that, since the content could not be decoded from there.
func (c *Config) detect(payloadType uint8, payload []byte) content {
	switch {
	case mpegps.Begins(payload):
		return programStream
	case isTS(payload):
		return transportStream
	case payloadType == 0:
		return pcmu
	case payloadType == 8:
		return pcma
	case payloadType == c.PayloadTypes.Opus:
		return opus
	case payloadType == c.PayloadTypes.H264:
		return when(hasSPS(media.H264, payload), h264)
	case payloadType == c.PayloadTypes.H265:
		return when(hasSPS(media.H265, payload), h265)
	case hasSPS(media.H265, payload):
		return h265
	}
	return when(hasSPS(media.H264, payload), h264)
}

// begins reports whether an RTP packet is one that a stream can begin with.
func (c *Config) begins(b []byte) bool {
	if framing.IsRTCP(b) {
		return false
	}
	var h rtp.Header
	n, err := h.Unmarshal(b)
	return err == nil && c.detect(h.PayloadType, b[n:]) != unknown
}

func when(is bool, c content) content {
	if is {
		return c
	}
	return unknown
}

// isTS reports whether a payload is whole packets of a transport stream (RFC 2250, 2).
func isTS(b []byte) bool {
	if len(b) == 0 || len(b)%tsPacket != 0 {
		return false
	}
	for ; len(b) > 0; b = b[tsPacket:] {
		if b[0] != 0x47 {
			return false
		}
	}
	return true
}

// How NAL units lie in RTP packets (RFC 6184, 5.2; RFC 7798, 4.4).
const (
	stapA, stapAHeader = 24, 1
	hevcAP, apHeader   = 48, 2
)

// hasSPS reports whether a payload has a sequence parameter set that describes pictures, by itself or among others.
func hasSPS(codec media.Codec, b []byte) bool {
	if len(b) < 4 || b[0]&0x80 != 0 {
		return false
	}
	head, together := stapAHeader, h26x.UnitType(codec, b[0]) == stapA
	if codec == media.H265 {
		head, together = apHeader, h26x.UnitType(codec, b[0]) == hevcAP
	}
	if !together {
		return isSPS(codec, b)
	}
	for b = b[head:]; len(b) > 2; {
		size := int(binary.BigEndian.Uint16(b))
		b = b[2:]
		if size > len(b) {
			return false
		}
		if size > 4 && isSPS(codec, b[:size]) {
			return true
		}
		b = b[size:]
	}
	return false
}

func isSPS(codec media.Codec, unit []byte) bool {
	want := byte(h26x.AVCSPS)
	if codec == media.H265 {
		want = h26x.HEVCSPS
	}
	if h26x.UnitType(codec, unit[0]) != want || codec == media.H265 && (unit[0]&1 != 0 || unit[1] != 1) {
		return false
	}
	t := media.Track{Codec: codec}
	h26x.Describe(&t, h26x.Sets{SPS: [][]byte{unit}})
	return t.Width > 0
}
