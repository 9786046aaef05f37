// Package gbsdp reads and writes the session descriptions of GB/T 28181 (annex F of GB/T 28181-2016): SDP (RFC 4566) with
// lines of its own for the SSRC (y=) and the format (f=), and with TCP as RFC 4145 and RFC 4571 have it.
package gbsdp

import (
	"fmt"
	"strconv"
	"strings"
)

// ContentType is that of the body.
const ContentType = "Application/SDP"

// Roles of who sends a description, for TCP (RFC 4145).
const (
	Active  = "active"  // it dials
	Passive = "passive" // it listens
)

// Session is a description, with what matters of it.
type Session struct {
	// Owner is the ID of who sends it.
	Owner string
	// Name is what is wanted: Play, Playback, Download or Talk.
	Name string
	// Host and Port are where its sender takes or sends media. Port is 0 if there is none.
	Host string
	Port int
	// TCP has RTP over TCP, with Setup as the sender's role.
	TCP   bool
	Setup string
	// Direction is recvonly, sendonly, sendrecv, inactive, or empty.
	Direction string
	// Formats are those of the video.
	Formats []Format
	// SSRC is the one that the sender of media has to use. It is 0 where there is none.
	SSRC uint32
}

// Format is a payload type and what it stands for.
type Format struct {
	Type uint8
	// Name is such as PS or H264. It is empty where it is not said.
	Name string
	// Clock is in Hz.
	Clock int
}

// Bytes returns the description.
func (s *Session) Bytes() []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	family := "IP4"
	if strings.Contains(s.Host, ":") {
		family = "IP6"
	}
	line("v=0")
	line("o=%s 0 0 IN %s %s", s.Owner, family, s.Host)
	line("s=%s", s.Name)
	line("c=IN %s %s", family, s.Host)
	line("t=0 0")
	protocol := "RTP/AVP"
	if s.TCP {
		protocol = "TCP/RTP/AVP"
	}
	types := make([]string, len(s.Formats))
	for i, f := range s.Formats {
		types[i] = strconv.Itoa(int(f.Type))
	}
	line("m=video %d %s %s", s.Port, protocol, strings.Join(types, " "))
	if s.Direction != "" {
		line("a=%s", s.Direction)
	}
	for _, f := range s.Formats {
		if f.Name != "" {
			line("a=rtpmap:%d %s/%d", f.Type, f.Name, f.Clock)
		}
	}
	if s.TCP {
		line("a=setup:%s", s.Setup)
		line("a=connection:new")
	}
	line("y=%010d", s.SSRC)
	return []byte(b.String())
}
