package sdp

import (
	"fmt"

	"github.com/sluice-media/sluice/media"
)

// firstDynamic is the first dynamic payload type (RFC 3551, 6).
const firstDynamic = 96

// Offer is a media as we describe it to players.
type Offer struct {
	// Track is what is played.
	Track *media.Track
	// PayloadType and ClockRate are what RTP packets must be sent with (RFC 3550, 5.1).
	PayloadType uint8
	ClockRate   int
	// Control is for SETUP (RFC 2326, C.1.1), such as "trackID=0".
	Control string
	// Connection is empty, or the address of a multicast group with its TTL, such as "239.1.2.3/64" (RFC 8866,
	// 5.7).
	Connection string
	// Port is that of the group; 0 with unicast, where SETUP finds one (RFC 2326, C.1.2).
	Port int
}

// OfferFor describes a track to players. index is its place among the offers. ok is false if RTP cannot carry
// its codec.
func OfferFor(t *media.Track, index int) (o Offer, ok bool) {
	o = Offer{
		Track:       t,
		PayloadType: uint8(firstDynamic + max(index, 0)%32),
		Control:     fmt.Sprintf("trackID=%d", index),
	}
	var m rtpmap
	if t.Codec == media.RawRTP {
		_, o.PayloadType, m, ok = rawSection(t.Config)
	} else {
		m, ok = encodingOf(t)
		o.PayloadType = staticType(t.Codec, m, o.PayloadType)
	}
	o.ClockRate = m.clock
	return o, ok && m.clock > 0 && m.clock <= maxClockRate && m.channels <= maxChannels
}

// Carries reports whether RTP can carry a track.
func Carries(t *media.Track) bool {
	_, ok := OfferFor(t, 0)
	return ok
}

// encodingOf returns how a=rtpmap names the codec of a track.
func encodingOf(t *media.Track) (m rtpmap, ok bool) {
	channels := max(t.Channels, 1)
	switch t.Codec {
	case media.H264, media.H265, media.VP8, media.VP9, media.AV1, media.JPEG:
		return rtpmap{t.Codec.String(), 90000, 0}, true
	case media.MP3:
		return rtpmap{"MPA", 90000, 0}, true // RFC 3551, 4.5.13
	case media.AAC:
		m = rtpmap{"mpeg4-generic", orElse(t.SampleRate, t.ClockRate), channels}
		return m, configAAC(t) != nil
	case media.Opus: // RFC 7587 has no room for more than two channels
		return rtpmap{"opus", 48000, 2}, channels <= 2
	case media.G711A, media.G711U:
		return rtpmap{t.Codec.String(), orElse(t.SampleRate, 8000), channels}, true
	case media.L16:
		return rtpmap{t.Codec.String(), orElse(t.SampleRate, t.ClockRate), channels}, true
	}
	return m, false
}

// staticType returns the static payload type of an encoding, or dynamic.
func staticType(codec media.Codec, m rtpmap, dynamic uint8) uint8 {
	switch {
	case codec == media.G711U && m.clock == 8000 && m.channels == 1:
		return 0
	case codec == media.G711A && m.clock == 8000 && m.channels == 1:
		return 8
	case codec == media.L16 && m.clock == 44100 && m.channels == 2:
		return 10
	case codec == media.L16 && m.clock == 44100 && m.channels == 1:
		return 11
	case codec == media.MP3:
		return 14
	case codec == media.JPEG:
		return 26
	}
	return dynamic
}

// rawSection reads the configuration of a RawRTP track.
func rawSection(config []byte) (s section, payloadType uint8, m rtpmap, ok bool) {
	_, sections, _ := split(config)
	if len(sections) != 1 {
		return s, 0, m, false
	}
	s = sections[0]
	payloadType, value, ok := cutPayloadType(s.first("rtpmap"))
	if !ok {
		return s, 0, m, false
	}
	m, ok = parseRTPMap(value)
	kind, _, _ := s.mline()
	return s, payloadType, m, ok && kind != ""
}

// configAAC returns the AudioSpecificConfig of a track, or nil.
func configAAC(t *media.Track) []byte {
	if len(t.Config) > 0 {
		return t.Config
	}
	return buildAAC(orElse(t.SampleRate, t.ClockRate), max(t.Channels, 1))
}

func orElse(n, other int) int {
	if n > 0 {
		return n
	}
	return other
}
