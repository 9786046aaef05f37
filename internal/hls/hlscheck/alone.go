package hlscheck

import (
	"strings"
	"time"
)

// rounding is how far what is written may be from what it stands for, for each number.
const rounding = 600 * time.Microsecond

// alone holds a version of a playlist to the rules that need no other version.
func (h *History) alone(p *Playlist) {
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Duration.Round(time.Second) > p.Target {
			h.complain("segment %d lasts %v, the target duration is %v", i, s.Duration, p.Target)
		}
		if s.URI != "" && s.Duration == 0 { // GStreamer passes over it
			h.complain("segment %d has no length", i)
		}
		if s.URI == "" && i < len(p.Segments)-1 {
			h.complain("segment %d has no URI and is not the last", i)
		}
		if (s.Map == "") != (p.Segments[0].Map == "") {
			h.complain("segment %d has a map or not, unlike the first", i)
		}
		if i > 0 {
			h.follows(&p.Segments[i-1], s, i)
		}
		h.parts(p, s, i)
	}
	h.old(p)
	h.version(p)
	h.control(p)
}

// follows holds a segment to the one before.
func (h *History) follows(before, s *Segment, i int) {
	switch {
	case s.Discontinuity:
		return
	case s.Map != before.Map:
		h.complain("segment %d has another map without a discontinuity", i)
	case s.At.IsZero() != before.At.IsZero():
		h.complain("segment %d has a date or not, unlike the one before", i)
	}
	// Dates are of whole milliseconds.
	if gap := s.At.Sub(before.At.Add(before.Duration)); !s.At.IsZero() && gap.Abs() > time.Millisecond+2*rounding {
		h.complain("segment %d is dated %v from the end of the one before", i, gap)
	}
}

// parts holds the parts of a segment to 4.4.4.9.
func (h *History) parts(p *Playlist, s *Segment, i int) {
	if len(s.Parts) == 0 {
		return
	}
	if p.Part == 0 {
		h.complain("segment %d has parts without a part target", i)
		return
	}
	for j, part := range s.Parts {
		if part.Duration > p.Part+rounding {
			h.complain("part %d of segment %d lasts %v, the part target is %v", j, i, part.Duration, p.Part)
		}
		last := j == len(s.Parts)-1 && s.URI != ""
		if !last && !part.Independent && part.Duration < p.Part*85/100-rounding && !p.open(i, j) {
			h.complain("part %d of segment %d lasts %v only", j, i, part.Duration)
		}
	}
	if n := time.Duration(len(s.Parts) + 1); s.URI != "" && (s.partLength()-s.Duration).Abs() > n*rounding {
		h.complain("the parts of segment %d last %v, and it %v", i, s.partLength(), s.Duration)
	}
}

// open reports whether a part is the newest, of which it is not known whether its segment goes on.
func (p *Playlist) open(segment, part int) bool {
	return segment == len(p.Segments)-1 && part == len(p.Segments[segment].Parts)-1
}

// old complains of parts that are to be gone: those further than three target durations from the end (4.4.4.9).
func (h *History) old(p *Playlist) {
	if h.first == nil {
		h.first = p // its number may be any (6.2.1)
	}
	rest := time.Duration(0)
	for i := len(p.Segments) - 1; i >= 0; i-- {
		s := &p.Segments[i]
		if rest > 3*p.Target && len(s.Parts) > 0 {
			h.complain("segment %d has parts %v before the end", i, rest)
		}
		rest += s.length()
	}
	if p.Sequence > h.first.Sequence && !p.Ended && rest < 3*p.Target-time.Duration(len(p.Segments))*rounding {
		h.complain("segments have left it though it lasts %v only: less than three target durations of %v (6.2.2)", rest, p.Target)
	}
}

// version holds the version to what it allows (section 7).
func (h *History) version(p *Playlist) {
	needs := 3 // durations with decimals
	if strings.Contains(p.text, "#EXT-X-MAP:") {
		needs = 6
	}
	if p.Skipped > 0 {
		needs = 9
	}
	if p.Version < needs {
		h.complain("it has what version %d needs, and says %d", needs, p.Version)
	}
}

// control holds EXT-X-SERVER-CONTROL to 4.4.3.8.
func (h *History) control(p *Playlist) {
	if p.Part > 0 {
		back, err := seconds(p.Control["PART-HOLD-BACK"])
		if err != nil || back < 2*p.Part {
			h.complain("with parts of %v it needs a PART-HOLD-BACK of twice that", p.Part)
		}
	}
	if text, ok := p.Control["HOLD-BACK"]; ok {
		if back, err := seconds(text); err != nil || back < 3*p.Target {
			h.complain("HOLD-BACK is %s, less than three target durations", text)
		}
	}
	until, skips := p.Control["CAN-SKIP-UNTIL"]
	if d, err := seconds(until); skips && (err != nil || d < 6*p.Target) {
		h.complain("CAN-SKIP-UNTIL is %s, less than six target durations", until)
	}
	if p.Skipped > 0 && !skips {
		h.complain("it skips without CAN-SKIP-UNTIL")
	}
	if block, ok := p.Control["CAN-BLOCK-RELOAD"]; ok && block != "YES" {
		h.complain("CAN-BLOCK-RELOAD is %s", block)
	}
}
