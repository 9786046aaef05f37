package sdp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// media makes a Media of the section, all but its place in the description. sendOnly says that a=sendonly does
// not mark a back channel.
func (s section) media(sendOnly bool) (Media, error) {
	kind, proto, formats := s.mline()
	switch {
	case strings.Contains(proto, "SAVP"):
		return Media{}, fmt.Errorf("%q is encrypted", proto)
	case !strings.Contains(proto, "RTP"):
		return Media{}, fmt.Errorf("%q is not RTP", proto)
	case s.has("inactive"):
		return Media{}, errors.New("inactive")
	case s.has("sendonly") && !sendOnly:
		return Media{}, errors.New("a back channel")
	}
	m, err := s.choose(formats)
	if err != nil {
		// Some list a nonsense format, and say in a=rtpmap only what they send.
		var other error
		if m, other = s.choose(s.mapped()); other != nil {
			return Media{}, err
		}
	}
	m.Control = s.first("control")
	if codec, ok := codecOf(m.Encoding); ok && codec == m.Track.Codec {
		kind = kindOf(codec) // some call audio video
	}
	if m.Kind = kind; kind != "video" && kind != "audio" && kind != "application" {
		return Media{}, fmt.Errorf("media of kind %q", kind)
	}
	return m, nil
}

// mline reads the m-line (RFC 8866, 5.14). The port is not looked at: in RTSP, SETUP finds the ports.
func (s section) mline() (kind, proto string, formats []string) {
	fields := strings.Fields(s.line)
	if len(fields) == 0 {
		return "", "", nil
	}
	kind = strings.ToLower(fields[0])
	for i, f := range fields {
		proto = strings.ToUpper(f)
		if i > 0 && (proto == "RTP" || strings.Contains(proto, "RTP/")) {
			return kind, proto, fields[i+1:]
		}
	}
	return kind, strings.ToUpper(fields[min(2, len(fields)-1)]), nil
}

// mapped returns the payload types of all a=rtpmap.
func (s section) mapped() []string {
	var list []string
	for _, a := range s.attrs {
		if a.key == "rtpmap" {
			list = append(list, a.value)
		}
	}
	return list
}

// choose returns the first of the formats that is a codec we know, or else the first that can be passed on.
func (s section) choose(formats []string) (Media, error) {
	var other *Media
	reason := errors.New("no payload type")
	var tried []uint8
	for _, f := range formats {
		pt, _, ok := cutPayloadType(f)
		if !ok || slices.Contains(tried, pt) {
			continue
		}
		tried = append(tried, pt)
		m, err := s.describe(pt)
		switch {
		case err != nil && len(tried) == 1:
			reason = err
		case err == nil && m.known():
			return m, nil
		case err == nil && other == nil:
			other = &m
		}
	}
	if other == nil {
		return Media{}, reason
	}
	return *other, nil
}

// describe makes a Media of a payload type.
func (s section) describe(payloadType uint8) (Media, error) {
	params := s.params(payloadType)
	m, ok := s.rtpmap(payloadType, params)
	if !ok {
		return Media{}, fmt.Errorf("payload type %d without a=rtpmap", payloadType)
	}
	d := Media{
		PayloadType: payloadType,
		Encoding:    strings.ToUpper(m.name),
		ClockRate:   m.clock,
		Channels:    m.channels,
		Params:      params,
	}
	if err := d.describe(s, m); err != nil {
		return Media{}, fmt.Errorf("payload type %d: %w", payloadType, err)
	}
	return d, nil
}
