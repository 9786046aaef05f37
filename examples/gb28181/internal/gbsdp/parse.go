package gbsdp

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Bounds of what is read.
const (
	// MaxBody is how long a description may be, in bytes.
	MaxBody = 16 << 10

	maxFormats = 32
	maxText    = 64
)

// ErrBadSession says that a description is broken.
var ErrBadSession = errors.New("gbsdp: bad session description")

// Parse reads a description, whose lines may be in any order. Of several media it takes the first of video. Lines that it does
// not know it passes over; errors match [ErrBadSession].
func Parse(body []byte) (*Session, error) {
	if len(body) > MaxBody {
		return nil, fmt.Errorf("%w: %d bytes", ErrBadSession, len(body))
	}
	p := parser{session: &Session{}}
	for line := range strings.Lines(string(body)) {
		line = strings.TrimRight(line, "\r\n \x00")
		kind, value, ok := strings.Cut(line, "=")
		if !ok || len(kind) != 1 {
			continue
		}
		if err := p.line(kind[0], value); err != nil {
			return nil, fmt.Errorf("%w: %q: %w", ErrBadSession, line[:min(len(line), maxText)], err)
		}
	}
	if !p.video {
		return nil, fmt.Errorf("%w: no video", ErrBadSession)
	}
	return p.session, nil
}

// parser is where Parse stands.
type parser struct {
	session *Session
	video   bool // the one that is taken has begun
	other   bool // lines are those of a medium that is not taken
}

func (p *parser) line(kind byte, value string) error {
	s := p.session
	switch kind {
	case 'm':
		return p.medium(value)
	case 'y': // it is the session's, but stands behind the media
		ssrc, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
		if err != nil {
			return errors.New("no SSRC")
		}
		s.SSRC = uint32(ssrc)
	}
	if p.other {
		return nil
	}
	switch kind {
	case 'o':
		owner, _, _ := strings.Cut(value, " ")
		s.Owner = owner[:min(len(owner), maxText)]
	case 's':
		s.Name = value[:min(len(value), maxText)]
	case 'c':
		return p.connection(value)
	case 'a':
		return p.attribute(value)
	}
	return nil
}

// medium takes such as "video 6000 TCP/RTP/AVP 96 98".
func (p *parser) medium(value string) error {
	f := strings.Fields(value)
	p.other = len(f) == 0 || f[0] != "video" || p.video
	if p.other {
		return nil
	}
	p.video = true
	if len(f) < 3 {
		return errors.New("too short")
	}
	port, _, _ := strings.Cut(f[1], "/")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return errors.New("no port")
	}
	p.session.Port = int(n)
	switch {
	case strings.EqualFold(f[2], "RTP/AVP"):
	case strings.EqualFold(f[2], "TCP/RTP/AVP"):
		p.session.TCP = true
	default:
		return errors.New("no protocol that is known")
	}
	for _, typ := range f[3:] {
		n, err := strconv.ParseUint(typ, 10, 7)
		if err != nil {
			return errors.New("no payload type")
		}
		if p.session.format(uint8(n)) == nil {
			return errors.New("too many payload types")
		}
	}
	return nil
}

// format returns the format of a payload type, added if it is new. It is nil if there are too many.
func (s *Session) format(typ uint8) *Format {
	for i := range s.Formats {
		if s.Formats[i].Type == typ {
			return &s.Formats[i]
		}
	}
	if len(s.Formats) == maxFormats {
		return nil
	}
	s.Formats = append(s.Formats, Format{Type: typ})
	return &s.Formats[len(s.Formats)-1]
}

// connection takes such as "IN IP4 192.0.2.1".
func (p *parser) connection(value string) error {
	f := strings.Fields(value)
	if len(f) < 3 {
		return errors.New("too short")
	}
	host, _, _ := strings.Cut(f[2], "/")
	addr, err := netip.ParseAddr(host)
	if err != nil || addr.Zone() != "" {
		return errors.New("no address") // names are not looked up for a stranger
	}
	p.session.Host = addr.Unmap().String()
	return nil
}

func (p *parser) attribute(value string) error {
	name, rest, _ := strings.Cut(value, ":")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "sendonly", "recvonly", "sendrecv", "inactive":
		p.session.Direction = strings.ToLower(strings.TrimSpace(name))
	case "setup":
		p.session.Setup = strings.ToLower(strings.TrimSpace(rest))
		if p.session.Setup != Active && p.session.Setup != Passive {
			return errors.New("no role that is known")
		}
	case "rtpmap":
		return p.rtpmap(rest)
	}
	return nil
}

// rtpmap takes such as "96 PS/90000". Of types that the medium does not list there is nothing to keep.
func (p *parser) rtpmap(value string) error {
	typ, encoding, _ := strings.Cut(strings.TrimSpace(value), " ")
	n, err := strconv.ParseUint(typ, 10, 7)
	if err != nil {
		return errors.New("no payload type")
	}
	name, clock, _ := strings.Cut(strings.TrimSpace(encoding), "/")
	clock, _, _ = strings.Cut(clock, "/")
	hz, err := strconv.ParseUint(clock, 10, 31)
	if err != nil {
		return errors.New("no clock rate")
	}
	for i := range p.session.Formats {
		if f := &p.session.Formats[i]; f.Type == uint8(n) {
			f.Name, f.Clock = name[:min(len(name), maxText)], int(hz)
		}
	}
	return nil
}
