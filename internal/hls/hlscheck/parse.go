package hlscheck

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// parser reads a playlist line by line.
type parser struct {
	list    Playlist
	segment Segment // the one to come
	extinf  bool    // it has its duration
	begun   bool    // a segment, or what belongs to one, has been there
	seen    map[string]bool
}

// Parse reads a playlist. The error says what is not as the RFC wants it.
func Parse(text string) (*Playlist, error) {
	p := &parser{list: Playlist{text: text}, seen: map[string]bool{}}
	lines := strings.Split(text, "\n")
	if lines[0] != "#EXTM3U" {
		return nil, errors.New("it does not begin with #EXTM3U")
	}
	if lines[len(lines)-1] != "" {
		return nil, errors.New("the last line has no end")
	}
	for i, line := range lines[1 : len(lines)-1] {
		if err := p.line(line); err != nil {
			return nil, fmt.Errorf("line %d, %q: %w", i+2, line, err)
		}
	}
	switch {
	case p.extinf:
		return nil, errors.New("a segment has a duration and no URI")
	case p.segment.Discontinuity || !p.segment.At.IsZero() || len(p.segment.Parts) > 0:
		p.addSegment("")
	}
	if !p.seen["#EXT-X-TARGETDURATION"] {
		return nil, errors.New("there is no target duration")
	}
	return &p.list, nil
}

func (p *parser) line(line string) error {
	switch {
	case line == "":
		return nil
	case !strings.HasPrefix(line, "#"):
		return p.uri(line)
	case !strings.HasPrefix(line, "#EXT"):
		return nil // a comment
	}
	name, value, _ := strings.Cut(line, ":")
	if err := p.once(name); err != nil {
		return err
	}
	if done, err := p.head(name, value); done {
		return err
	}
	p.begun = true
	return p.body(name, value)
}

// once refuses what a playlist has once.
func (p *parser) once(name string) error {
	switch name {
	case "#EXTINF", "#EXT-X-PART", "#EXT-X-DISCONTINUITY", "#EXT-X-MAP", "#EXT-X-PROGRAM-DATE-TIME", "#EXT-X-RENDITION-REPORT":
		return nil
	}
	if p.seen[name] {
		return errors.New("this is there twice")
	}
	p.seen[name] = true
	return nil
}

// head reads what stands in front of the segments, and reports whether it was that.
func (p *parser) head(name, value string) (done bool, err error) {
	switch name {
	case "#EXT-X-VERSION":
		p.list.Version, err = strconv.Atoi(value)
	case "#EXT-X-TARGETDURATION":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 16)
		p.list.Target = time.Duration(n) * time.Second
	case "#EXT-X-MEDIA-SEQUENCE":
		p.list.Sequence, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-DISCONTINUITY-SEQUENCE":
		p.list.Breaks, err = strconv.ParseUint(value, 10, 64)
	case "#EXT-X-SERVER-CONTROL":
		p.list.Control, err = attributes(value)
	case "#EXT-X-PART-INF":
		var a map[string]string
		if a, err = attributes(value); err == nil {
			p.list.Part, err = seconds(a["PART-TARGET"])
		}
	case "#EXT-X-SKIP":
		var a map[string]string
		if a, err = attributes(value); err == nil {
			p.list.Skipped, err = strconv.Atoi(a["SKIPPED-SEGMENTS"])
		}
	case "#EXT-X-ALLOW-CACHE", "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-START":
	case "#EXT-X-ENDLIST":
		p.list.Ended = true
		return true, nil // wherever it stands
	default:
		return false, nil
	}
	if err == nil && p.begun {
		err = errors.New("this stands behind a segment")
	}
	return true, err
}

// body reads what belongs to the segments.
func (p *parser) body(name, value string) (err error) {
	if p.list.Hint != "" {
		return errors.New("this stands behind the hint")
	}
	switch name {
	case "#EXTINF":
		text, _, comma := strings.Cut(value, ",")
		if !comma || p.extinf {
			return errors.New("it needs a comma, and to be the only one of its segment")
		}
		p.extinf = true
		p.segment.Duration, err = seconds(text)
	case "#EXT-X-DISCONTINUITY":
		p.segment.Discontinuity = true
		err = p.first()
	case "#EXT-X-MAP":
		p.segment.Map, err = uriOf(value)
		err = errors.Join(err, p.first())
	case "#EXT-X-PROGRAM-DATE-TIME":
		p.segment.At, err = time.Parse("2006-01-02T15:04:05.999Z07:00", value)
		err = errors.Join(err, p.first())
	case "#EXT-X-PART":
		err = p.part(value)
	case "#EXT-X-PRELOAD-HINT":
		var a map[string]string
		if a, err = attributes(value); err == nil && a["TYPE"] == "PART" {
			p.list.Hint, err = uriOf(value)
		}
	case "#EXT-X-RENDITION-REPORT":
		_, err = uriOf(value)
	default:
		err = errors.New("this is no tag of a media playlist")
	}
	return err
}

// first refuses what stands behind the parts of its segment.
func (p *parser) first() error {
	if len(p.segment.Parts) > 0 || p.extinf {
		return errors.New("this stands within a segment")
	}
	return nil
}

func (p *parser) part(value string) error {
	a, err := attributes(value)
	if err != nil {
		return err
	}
	part := Part{Independent: a["INDEPENDENT"] == "YES"}
	if part.URI, err = uriOf(value); err != nil {
		return err
	}
	part.Duration, err = seconds(a["DURATION"])
	p.segment.Parts = append(p.segment.Parts, part)
	return err
}

func (p *parser) uri(line string) error {
	if !p.extinf {
		return errors.New("a segment has no duration")
	}
	p.addSegment(line)
	return nil
}

func (p *parser) addSegment(uri string) {
	p.segment.URI = uri
	if n := len(p.list.Segments); p.segment.Map == "" && n > 0 {
		p.segment.Map = p.list.Segments[n-1].Map
	}
	p.list.Segments = append(p.list.Segments, p.segment)
	p.segment, p.extinf = Segment{}, false
}

// attributes reads an attribute list (4.2): NAME=value, or NAME="value", with commas between. Quotes are left in place.
func attributes(text string) (map[string]string, error) {
	list := map[string]string{}
	for text != "" {
		name, rest, ok := strings.Cut(text, "=")
		if !ok || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || list[name] != "" {
			return nil, fmt.Errorf("%q is no attribute, or one twice", text)
		}
		value, next, more := strings.Cut(rest, ",")
		if strings.HasPrefix(rest, `"`) {
			quoted, behind, ok := strings.Cut(rest[1:], `"`)
			if !ok || behind != "" && behind[0] != ',' {
				return nil, fmt.Errorf("%q is not quoted to its end", rest)
			}
			value, next, more = `"`+quoted+`"`, strings.TrimPrefix(behind, ","), behind != ""
		}
		if value == "" || more && next == "" {
			return nil, fmt.Errorf("the attribute %s has no value, or a comma behind it", name)
		}
		list[name], text = value, next
	}
	return list, nil
}

func uriOf(value string) (string, error) {
	a, err := attributes(value)
	if err != nil {
		return "", err
	}
	uri := a["URI"]
	if len(uri) < 3 || uri[0] != '"' {
		return "", errors.New("there is no URI in quotes")
	}
	return uri[1 : len(uri)-1], nil
}

// seconds reads a decimal-floating-point (4.2), which has no sign.
func seconds(text string) (time.Duration, error) {
	if text == "" || strings.Trim(text, "0123456789.") != "" {
		return 0, fmt.Errorf("%q is no number of seconds", text)
	}
	f, err := strconv.ParseFloat(text, 64)
	return time.Duration(math.Round(f * float64(time.Second))), err
}
