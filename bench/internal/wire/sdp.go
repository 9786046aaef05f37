package wire

import (
	"strconv"
	"strings"
)

// mediaLine is what a session description (RFC 8866) says about one track.
type mediaLine struct {
	kind    string // "video", "audio" or anything else
	payload int    // RTP payload type
	codec   string // encoding name in upper case
	clock   int    // RTP timestamps per second
	format  string // format parameters, as they are
	control string
}

// parseSDP reads the tracks. What is not needed to play is skipped.
func parseSDP(b []byte) ([]mediaLine, error) {
	var tracks []mediaLine
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if value, found := strings.CutPrefix(line, "m="); found {
			track, err := parseMedia(value)
			if err != nil {
				return nil, err
			}
			tracks = append(tracks, track)
			continue
		}
		if value, found := strings.CutPrefix(line, "a="); found && len(tracks) > 0 {
			if err := tracks[len(tracks)-1].attribute(value); err != nil {
				return nil, err
			}
		}
	}
	if len(tracks) == 0 {
		return nil, malformed("session description without a track")
	}
	return tracks, nil
}

// parseMedia reads "video 0 RTP/AVP 96".
func parseMedia(value string) (mediaLine, error) {
	fields := strings.Fields(value)
	if len(fields) < 4 {
		return mediaLine{}, malformed("media description %q", value)
	}
	payload, err := strconv.Atoi(fields[3])
	if err != nil || payload < 0 || payload > 127 {
		return mediaLine{}, malformed("media description %q", value)
	}
	m := mediaLine{kind: fields[0], payload: payload, clock: 8000}
	switch payload { // RFC 3551 section 6: these need no rtpmap
	case 0:
		m.codec = "PCMU"
	case 8:
		m.codec = "PCMA"
	}
	return m, nil
}

// attribute takes an attribute of the track; those of other payload types are none.
func (m *mediaLine) attribute(value string) error {
	name, rest, _ := strings.Cut(value, ":")
	if name == "control" {
		m.control = rest
		return nil
	}
	first, rest, _ := strings.Cut(rest, " ")
	if first != strconv.Itoa(m.payload) {
		return nil
	}
	switch name {
	case "fmtp":
		m.format = rest
	case "rtpmap":
		parts := strings.Split(rest, "/")
		if len(parts) < 2 {
			return malformed("rtpmap %q", value)
		}
		clock, err := strconv.Atoi(parts[1])
		if err != nil || clock <= 0 {
			return malformed("rtpmap %q", value)
		}
		m.codec, m.clock = strings.ToUpper(parts[0]), clock
	}
	return nil
}

// parameter returns a format parameter, "" when it is not given.
func (m *mediaLine) parameter(name string) string {
	for item := range strings.SplitSeq(m.format, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(item), "=")
		if strings.EqualFold(key, name) {
			return value
		}
	}
	return ""
}
