package sdp

import (
	"strconv"
	"strings"
)

const (
	maxClockRate = 1e6
	maxChannels  = 16
	// maxName bounds an encoding name.
	maxName = 64
)

// rtpmap is the value of a=rtpmap (RFC 8866, 6.6). clock and channels are 0 where missing or out of bounds.
type rtpmap struct {
	name            string
	clock, channels int
}

func parseRTPMap(s string) (m rtpmap, ok bool) {
	parts := strings.Split(strings.Join(strings.Fields(s), ""), "/")
	if len(parts[0]) == 0 || len(parts[0]) > maxName {
		return m, false
	}
	m.name = parts[0]
	if len(parts) > 1 {
		m.clock = bounded(parts[1], maxClockRate)
	}
	if len(parts) > 2 {
		m.channels = bounded(parts[2], maxChannels)
	}
	return m, true
}

// bounded returns the number in s if it is 1 to limit, else 0.
func bounded(s string, limit int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > limit {
		return 0
	}
	return n
}

// append writes m the way a=rtpmap has it.
func (m rtpmap) append(dst []byte) []byte {
	dst = strconv.AppendInt(append(append(dst, m.name...), '/'), int64(m.clock), 10)
	if m.channels > 0 {
		dst = strconv.AppendInt(append(dst, '/'), int64(m.channels), 10)
	}
	return dst
}

// rtpmap returns the encoding of a payload type: what the section says, what is registered, or what the
// parameters give away.
func (s section) rtpmap(payloadType uint8, params map[string]string) (rtpmap, bool) {
	registered, static := registered(payloadType)
	for _, value := range s.of("rtpmap", payloadType) {
		m, ok := parseRTPMap(value)
		if !ok {
			continue
		}
		if static && strings.EqualFold(m.name, registered.name) && m.clock == 0 {
			m.clock = registered.clock
		}
		return m, true
	}
	switch {
	case static:
		return registered, true
	case params["sprop-parameter-sets"] != "":
		return rtpmap{name: "H264", clock: 90000}, true
	case params["sprop-vps"] != "" || params["sprop-sps"] != "":
		return rtpmap{name: "H265", clock: 90000}, true
	}
	return rtpmap{}, false
}

// registered returns what RFC 3551, 6, tables 4 and 5 say of a static payload type.
func registered(payloadType uint8) (rtpmap, bool) {
	var m rtpmap
	switch payloadType {
	case 0:
		m = rtpmap{"PCMU", 8000, 1}
	case 3:
		m = rtpmap{"GSM", 8000, 1}
	case 4:
		m = rtpmap{"G723", 8000, 1}
	case 5:
		m = rtpmap{"DVI4", 8000, 1}
	case 6:
		m = rtpmap{"DVI4", 16000, 1}
	case 7:
		m = rtpmap{"LPC", 8000, 1}
	case 8:
		m = rtpmap{"PCMA", 8000, 1}
	case 9:
		m = rtpmap{"G722", 8000, 1}
	case 10:
		m = rtpmap{"L16", 44100, 2}
	case 11:
		m = rtpmap{"L16", 44100, 1}
	case 12:
		m = rtpmap{"QCELP", 8000, 1}
	case 13:
		m = rtpmap{"CN", 8000, 1}
	case 14:
		m = rtpmap{"MPA", 90000, 0}
	case 15:
		m = rtpmap{"G728", 8000, 1}
	case 16:
		m = rtpmap{"DVI4", 11025, 1}
	case 17:
		m = rtpmap{"DVI4", 22050, 1}
	case 18:
		m = rtpmap{"G729", 8000, 1}
	case 25:
		m = rtpmap{"CelB", 90000, 0}
	case 26:
		m = rtpmap{"JPEG", 90000, 0}
	case 28:
		m = rtpmap{"nv", 90000, 0}
	case 31:
		m = rtpmap{"H261", 90000, 0}
	case 32:
		m = rtpmap{"MPV", 90000, 0}
	case 33:
		m = rtpmap{"MP2T", 90000, 0}
	case 34:
		m = rtpmap{"H263", 90000, 0}
	}
	return m, m.name != ""
}
