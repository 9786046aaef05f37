package hlscheck

import "time"

// Playlist is a media playlist as its text has it.
type Playlist struct {
	Version          int
	Target           time.Duration
	Part             time.Duration     // the part target; 0 without parts
	Control          map[string]string // the attributes of EXT-X-SERVER-CONTROL; nil without
	Sequence, Breaks uint64            // of media, and of discontinuities
	Skipped          int               // segments that a delta update leaves out
	Segments         []Segment
	Hint             string // the URI of the part to come
	Ended            bool

	text string
}

// Segment is one of a playlist.
type Segment struct {
	// URI is empty as long as the segment is not complete: it has nothing but parts.
	URI           string
	Duration      time.Duration
	Discontinuity bool
	Map           string    // the URI of the initialization segment that is in force
	At            time.Time // zero without EXT-X-PROGRAM-DATE-TIME
	Parts         []Part
}

// Part is one of a segment.
type Part struct {
	URI         string
	Duration    time.Duration
	Independent bool
}

// length is how long a segment is, as far as it is there.
func (s *Segment) length() time.Duration {
	if s.URI != "" {
		return s.Duration
	}
	return s.partLength()
}

func (s *Segment) partLength() (d time.Duration) {
	for _, p := range s.Parts {
		d += p.Duration
	}
	return d
}

// Next returns the media sequence number and the part that come next.
func (p *Playlist) Next() (segment uint64, part int) {
	n := len(p.Segments)
	if n > 0 && p.Segments[n-1].URI == "" {
		return p.Sequence + uint64(n-1), len(p.Segments[n-1].Parts)
	}
	return p.Sequence + uint64(n), 0
}

// URIs returns all that a client may ask for, but for the hint.
func (p *Playlist) URIs() (list []string) {
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Map != "" && (i == 0 || s.Map != p.Segments[i-1].Map) {
			list = append(list, s.Map)
		}
		for _, part := range s.Parts {
			list = append(list, part.URI)
		}
		if s.URI != "" {
			list = append(list, s.URI)
		}
	}
	return list
}
