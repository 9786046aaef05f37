package segments

import (
	"strconv"
	"strings"
	"time"
)

// playlist is what a viewer needs of one.
type playlist struct {
	target   time.Duration
	segments []string // URIs of the complete ones
	parts    []string // URIs of the parts
	msn      int      // of the segment that the next part belongs to
	part     int      // the number of the next part in it
	ended    bool
}

func parse(text string) (p playlist) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, ":")
		switch {
		case name == "#EXT-X-TARGETDURATION":
			seconds, _ := strconv.Atoi(value)
			p.target = time.Duration(seconds) * time.Second
		case name == "#EXT-X-MEDIA-SEQUENCE":
			p.msn, _ = strconv.Atoi(value)
		case name == "#EXT-X-PART":
			_, uri, _ := strings.Cut(value, `URI="`)
			uri, _, _ = strings.Cut(uri, `"`)
			p.parts = append(p.parts, uri)
			p.part++
		case name == "#EXT-X-ENDLIST":
			p.ended = true
		case line != "" && line[0] != '#':
			p.segments = append(p.segments, line)
			p.msn++
			p.part = 0
		}
	}
	return p
}
