package hlscheck

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// maxOfAKind bounds what is kept of problems of a kind.
const maxOfAKind = 3

// History is what a client has seen of a playlist. The zero value has seen nothing.
type History struct {
	// Problems says what was wrong, a few of each kind.
	Problems []string

	last  *Playlist // with what a delta update left out
	first *Playlist // the first version
	told  map[string]int
}

// complain notes a problem.
func (h *History) complain(format string, args ...any) {
	if h.told == nil {
		h.told = map[string]int{}
	}
	if h.told[format]++; h.told[format] > maxOfAKind {
		return
	}
	text := fmt.Sprintf(format, args...)
	if h.last != nil {
		text = fmt.Sprintf("behind media sequence %d: %s", h.last.Sequence, text)
	}
	h.Problems = append(h.Problems, text)
}

// Take looks at the next version of the playlist, and returns it with what a delta update has left out. It returns nil if it
// cannot be read.
func (h *History) Take(text string) *Playlist {
	p, err := Parse(text)
	if err != nil {
		h.complain("%v:\n%s", err, text)
		return nil
	}
	if p.Skipped > 0 && !h.fill(p) {
		return nil
	}
	h.alone(p)
	if h.last != nil {
		h.against(h.last, p)
	}
	h.last = p
	return p
}

// fill puts back what a delta update has left out.
func (h *History) fill(p *Playlist) bool {
	if h.last == nil || p.Sequence < h.last.Sequence {
		h.complain("a delta update of nothing")
		return false
	}
	from := int(p.Sequence - h.last.Sequence)
	if from+p.Skipped > len(h.last.Segments) {
		h.complain("a delta update leaves out %d segments, some of which were never there", p.Skipped)
		return false
	}
	if rest := p.lengthFrom(0); rest < h.skipUntil() {
		h.complain("a delta update has the last %v only, less than CAN-SKIP-UNTIL", rest)
	}
	p.Segments = append(slices.Clone(h.last.Segments[from:from+p.Skipped]), p.Segments...)
	for i := 1; i < len(p.Segments); i++ {
		if s := &p.Segments[i]; s.Map == "" {
			s.Map = p.Segments[i-1].Map
		}
	}
	return true
}

func (h *History) skipUntil() time.Duration {
	d, _ := seconds(h.last.Control["CAN-SKIP-UNTIL"])
	return d
}

func (p *Playlist) lengthFrom(i int) (d time.Duration) {
	for ; i < len(p.Segments); i++ {
		d += p.Segments[i].length()
	}
	return d
}

// against holds a version of a playlist to the one before (6.2.1, 6.2.2).
func (h *History) against(before, p *Playlist) {
	switch {
	case before.Ended && p.Skipped == 0 && before.text != p.text:
		h.complain("it has changed behind its end")
	case p.Target != before.Target:
		h.complain("the target duration was %v and is %v", before.Target, p.Target)
	case p.Part != before.Part || !maps.Equal(p.Control, before.Control):
		h.complain("the part target or the server control has changed")
	case p.Sequence < before.Sequence:
		h.complain("the media sequence goes back to %d", p.Sequence)
		return
	}
	gone := p.Sequence - before.Sequence
	if gone > uint64(len(before.Segments)) {
		return // nothing is in both
	}
	breaks := before.Breaks
	for _, s := range before.Segments[:gone] {
		if s.Discontinuity {
			breaks++
		}
	}
	if p.Breaks != breaks {
		h.complain("the discontinuity sequence is %d, not %d: it was %d, and %d segments have left", p.Breaks, breaks, before.Breaks, gone)
	}
	rest := before.Segments[gone:]
	if len(p.Segments) < len(rest) {
		h.complain("%d segments have vanished from the end", len(rest)-len(p.Segments))
		return
	}
	for i := range rest {
		h.same(&rest[i], &p.Segments[i], before.Sequence+gone+uint64(i))
	}
	h.hint(before, p)
}

// same holds a segment to what was said of it before.
func (h *History) same(was, is *Segment, number uint64) {
	switch {
	case was.Discontinuity != is.Discontinuity:
		h.complain("segment %d has come to be a discontinuity, or not to be one", number)
	case was.Map != is.Map:
		h.complain("the map of segment %d was %q and is %q", number, was.Map, is.Map)
	case !was.At.Equal(is.At):
		h.complain("the date of segment %d was %v and is %v", number, was.At, is.At)
	case was.URI != "" && (was.URI != is.URI || was.Duration != is.Duration):
		h.complain("segment %d was %q, %v, and is %q, %v", number, was.URI, was.Duration, is.URI, is.Duration)
	}
	if len(is.Parts) == 0 && is.URI != "" {
		return // it has become old
	}
	if len(is.Parts) < len(was.Parts) || !slices.Equal(was.Parts, is.Parts[:len(was.Parts)]) {
		h.complain("segment %d had the parts %v and has %v", number, was.Parts, is.Parts)
	}
	if was.URI != "" && len(is.Parts) > len(was.Parts) {
		h.complain("segment %d is complete and has got more parts", number)
	}
}

// hint holds what has come to what was said of the next part (4.4.5.3).
func (h *History) hint(before, p *Playlist) {
	number, part := before.Next()
	if before.Hint == "" || number < p.Sequence {
		return
	}
	for i := int(number - p.Sequence); i < len(p.Segments); i++ {
		s := &p.Segments[i]
		if part < len(s.Parts) {
			if s.Parts[part].URI != before.Hint {
				h.complain("%q was said to come, and %q has come", before.Hint, s.Parts[part].URI)
			}
			return
		}
		if s.URI == "" {
			break
		}
		if len(s.Parts) == 0 {
			return // they are old already
		}
		part = 0
	}
	if !p.Ended && p.Hint != before.Hint {
		h.complain("%q was said to come, and now it is %q", before.Hint, p.Hint)
	}
}
