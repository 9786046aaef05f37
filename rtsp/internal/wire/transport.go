package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// Transport is one choice of a Transport header (RFC 2326, 12.39).
type Transport struct {
	TCP         bool // RTP/AVP/TCP
	Secure      bool // RTP/SAVP
	Multicast   bool
	Interleaved [2]int // channels of RTP and RTCP; -1 if not said
	ClientPort  [2]int // 0 if not said
	ServerPort  [2]int // 0 if not said
	Port        [2]int // of a multicast group; 0 if not said
	Destination string // of a multicast group; a server must not look at it
	Record      bool   // mode=record
}

// ParseTransports returns the choices of a Transport header in the client's order. What is not understood is
// left out; an error means that nothing is left.
func ParseTransports(values []string) ([]Transport, error) {
	var list []Transport
	for _, v := range values {
		for choice := range strings.SplitSeq(v, ",") {
			if t, ok := parseTransport(choice); ok && len(list) < 16 {
				list = append(list, t)
			}
		}
	}
	if list == nil {
		return nil, fmt.Errorf("%w: Transport %.100q", ErrMalformed, values)
	}
	return list, nil
}

func parseTransport(s string) (Transport, bool) {
	t := Transport{Interleaved: [2]int{-1, -1}}
	known := false
	for part := range strings.SplitSeq(s, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "rtp/avp", "rtp/avp/udp", "rtp/avpf", "rtp/avpf/udp":
			known = true
		case "rtp/avp/tcp", "rtp/avpf/tcp":
			known, t.TCP = true, true
		case "rtp/savp", "rtp/savp/udp", "rtp/savpf":
			known, t.Secure = true, true
		case "rtp/savp/tcp":
			known, t.Secure, t.TCP = true, true, true
		case "multicast":
			t.Multicast = true
		case "interleaved":
			t.Interleaved = parsePair(value, 255, -1)
		case "client_port":
			t.ClientPort = parsePair(value, 65535, 0)
		case "server_port":
			t.ServerPort = parsePair(value, 65535, 0)
		case "port":
			t.Port = parsePair(value, 65535, 0)
		case "destination":
			t.Destination = value
		case "mode":
			// receive is an old name, which Darwin and ffmpeg use.
			mode := strings.ToLower(value)
			t.Record = mode == "record" || mode == "receive"
		}
	}
	return t, known
}

// parsePair reads "a-b" or "a", for which b is a+1.
func parsePair(s string, highest, otherwise int) [2]int {
	first, second, both := strings.Cut(s, "-")
	a, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || a < 0 || a > highest {
		return [2]int{otherwise, otherwise}
	}
	b := a + 1
	if both {
		if b, err = strconv.Atoi(strings.TrimSpace(second)); err != nil || b < 0 {
			b = a + 1
		}
	}
	if b > highest {
		return [2]int{otherwise, otherwise}
	}
	return [2]int{a, b}
}
