package hlspull

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	// maxSegments bounds those of a playlist, and maxVariants those of a multivariant one.
	maxSegments = 20_000
	maxVariants = 200
	// maxDuration is how long a segment says that it is at most.
	maxDuration = time.Hour
)

// errPlaylist says that something is no playlist.
var errPlaylist = errors.New("hls: no playlist")

// playlist is one of media, or, if it has variants, one of those (RFC 8216, 4.1).
type playlist struct {
	target   time.Duration
	sequence int64 // of the first segment
	segments []segment
	ended    bool
	counts   bool // it says how many discontinuities there have been
	variants []variant
	sounds   []rendition
	base     *url.URL // of its URIs
}

// segment is one of a playlist.
type segment struct {
	resource
	number        int64
	lasts         time.Duration
	discontinuity bool
	period        int64     // how many discontinuities there have been, if the playlist counts them
	missing       bool      // EXT-X-GAP
	init          *resource // what stands in front of it
}

// resource is what there is to get: the whole of a URL, or some bytes. The URI is a piece of the playlist, relative to that.
type resource struct {
	uri          string
	from, length int64 // of bytes; all with length 0
	lock         key
}

// variant is a media playlist of a multivariant one.
type variant struct {
	uri       string
	bandwidth int64  // bits a second
	sound     string // the group of renditions which its sound is one of; empty if it has none
}

// Begins reports whether the first bytes of something are those of a playlist, so far.
func Begins(head []byte) bool {
	text := strings.TrimLeft(strings.TrimPrefix(string(head), bom), " \t\r\n")
	return strings.HasPrefix(text, magic[:min(len(text), len(magic))])
}

const (
	magic = "#EXTM3U"
	bom   = "\ufeff"
)

// parse reads a playlist, whose URIs are relative to base. Tags that are not known are passed over, and so are values that are missing.
func parse(text []byte, base *url.URL) (*playlist, error) {
	x := parser{playlist: &playlist{base: base}}
	rest := strings.TrimLeft(strings.TrimPrefix(string(text), bom), " \t\r\n")
	if first, _, _ := strings.Cut(rest, "\n"); len(strings.Fields(first)) == 0 || strings.Fields(first)[0] != magic {
		return nil, fmt.Errorf("%w: it begins with %.20q", errPlaylist, rest)
	}
	for line := range strings.Lines(rest) {
		if err := x.line(strings.TrimSpace(line)); err != nil {
			return nil, err
		}
	}
	if x.target <= 0 {
		for _, s := range x.segments {
			x.target = max(x.target, s.lasts)
		}
	}
	x.target = min(max(x.target, time.Second), maxDuration)
	return x.playlist, nil
}

// parser is what is known at a line.
type parser struct {
	*playlist
	next  segment
	of    *variant // what the next line is
	end   int64    // of the byte range before
	past  int64    // discontinuities so far
	init  *resource
	lock  key
	plain bool // there was a key in front of this segment already
}

func (x *parser) line(line string) error {
	name, value, _ := strings.Cut(line, ":")
	switch {
	case line == "":
	case line[0] != '#':
		return x.uri(line)
	case name == "#EXT-X-TARGETDURATION":
		x.target = seconds(value)
	case name == "#EXT-X-MEDIA-SEQUENCE":
		return number(value, &x.sequence)
	case name == "#EXT-X-DISCONTINUITY-SEQUENCE":
		x.counts = true
		return number(value, &x.past)
	case name == "#EXTINF":
		value, _, _ = strings.Cut(value, ",")
		x.next.lasts = seconds(value)
	case name == "#EXT-X-DISCONTINUITY":
		x.next.discontinuity = true
		x.past++
	case name == "#EXT-X-GAP":
		x.next.missing = true
	case name == "#EXT-X-BYTERANGE":
		x.next.from, x.next.length, x.end = byteRange(value, x.end)
	case name == "#EXT-X-ENDLIST":
		x.ended = true
	case name == "#EXT-X-KEY":
		return x.key(value)
	case name == "#EXT-X-MAP":
		x.mapped(value)
	case name == "#EXT-X-STREAM-INF":
		n, _ := strconv.ParseInt(attribute(value, "BANDWIDTH"), 10, 64)
		x.of = &variant{bandwidth: n, sound: attribute(value, "AUDIO")}
	case name == "#EXT-X-MEDIA":
		return x.rendition(value)
	}
	return nil
}

// number reads a sequence number.
func number(text string, into *int64) error {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 62)
	if err != nil || n < 0 {
		return fmt.Errorf("%w: the number %.20q", errPlaylist, text)
	}
	*into = n
	return nil
}

// uri takes the line of a segment or a variant.
func (x *parser) uri(line string) error {
	if x.of != nil {
		x.of.uri = line
		if x.variants = append(x.variants, *x.of); len(x.variants) > maxVariants {
			return fmt.Errorf("%w: more than %d variants", errPlaylist, maxVariants)
		}
		x.of = nil
		return nil
	}
	s := x.next
	s.uri, s.number, s.init, s.lock = line, x.sequence+int64(len(x.segments)), x.init, x.lock
	s.period, x.plain = x.past, false
	if x.segments = append(x.segments, s); len(x.segments) > maxSegments {
		return fmt.Errorf("%w: more than %d segments", errPlaylist, maxSegments)
	}
	x.next = segment{}
	return nil
}

func (x *parser) mapped(value string) {
	x.init = &resource{uri: attribute(value, "URI"), lock: x.lock}
	if r := attribute(value, "BYTERANGE"); r != "" {
		x.init.from, x.init.length, _ = byteRange(r, 0)
	}
}

// resolve returns where a URI is. Only HTTP is asked.
func resolve(base *url.URL, uri string) (*url.URL, error) {
	if len(uri) > maxURI {
		return nil, fmt.Errorf("%w: a URI of %d bytes", errPlaylist, len(uri))
	}
	u, err := base.Parse(uri)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%w: the URI %.100q", errPlaylist, uri)
	}
	return u, nil
}

// maxURI is how long a URI is, in bytes.
const maxURI = 8 << 10

// byteRange reads <n>[@<o>] (4.3.2.2): without o it begins where the one before ends.
func byteRange(text string, before int64) (from, length, end int64) {
	n, o, found := strings.Cut(text, "@")
	length, _ = strconv.ParseInt(n, 10, 62)
	from = before
	if found {
		from, _ = strconv.ParseInt(o, 10, 62)
	}
	if length < 0 || from < 0 {
		return 0, 0, 0
	}
	return from, length, from + length
}

// seconds reads a number of seconds, 0 if it is none.
func seconds(text string) time.Duration {
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(v) || v <= 0 {
		return 0
	}
	return time.Duration(min(v, maxDuration.Seconds()) * float64(time.Second))
}

// attribute returns the value of one in a list (4.2), without its quotes.
func attribute(list, name string) string {
	for list != "" {
		key, rest, _ := strings.Cut(list, "=")
		var value string
		if quoted, ok := strings.CutPrefix(rest, `"`); ok {
			value, rest, _ = strings.Cut(quoted, `"`)
			rest = strings.TrimPrefix(rest, ",")
		} else {
			value, rest, _ = strings.Cut(rest, ",")
		}
		if strings.TrimSpace(key) == name {
			return value
		}
		list = rest
	}
	return ""
}
