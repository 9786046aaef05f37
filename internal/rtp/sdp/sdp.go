// Package sdp reads the session descriptions of RTSP (RFC 8866; RFC 2326, appendix C) into tracks, and writes
// tracks as such descriptions. It reads with patience: cameras write what they like, so a line that makes no
// sense is passed over, and a media section that cannot be used leaves the others alone.
package sdp

import (
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// MaxSize is how many bytes a description may have.
const MaxSize = 64 << 10

const (
	// maxMedia is how many media sections are looked at.
	maxMedia = 32
	// maxConfig bounds the configurations of all tracks of a description together, so that what was read fits
	// into MaxSize when it is written again: hexadecimal takes twice the room.
	maxConfig = 24 << 10
	// maxReason bounds an entry of Session.Skipped.
	maxReason = 200
)

// The errors of Parse.
var (
	ErrTooBig  = errors.New("sdp: description too big")
	ErrNoMedia = errors.New("sdp: no usable media")
)

// Media is a media section that can be used (RFC 8866, 5.14).
type Media struct {
	// Kind is video, audio or application.
	Kind string
	// Index is the number of the section in the description, from 0. Sections left out count.
	Index int
	// Control is the a=control of the section as written (RFC 2326, C.1.1). It may be empty.
	Control string
	// PayloadType is what RTP packets carry (RFC 3550, 5.1).
	PayloadType uint8
	// Encoding is the encoding name of a=rtpmap in upper case (RFC 8866, 6.6). Static payload types that have
	// none get the registered name (RFC 3551, 6).
	Encoding string
	// ClockRate is that of RTP timestamps in Hz.
	ClockRate int
	// Channels is the count of audio channels; 0 for what is not audio, and where neither a=rtpmap nor the
	// static payload type says.
	Channels int
	// Params are the parameters of a=fmtp (RFC 8866, 6.15), with keys in lower case; nil if there are none.
	Params map[string]string
	// Track has Index+1 for its ID. Its codec is [media.RawRTP] where the encoding is not known.
	Track *media.Track
}

// Session is a session description.
type Session struct {
	// Control is the a=control of the session as written (RFC 2326, C.1.1): empty, "*", or a URL, absolute or
	// relative.
	Control string
	// Range is the a=range as written (RFC 2326, C.1.5).
	Range string
	// Medias are the sections that can be used, in order.
	Medias []Media
	// Skipped says why sections were left out, for the log.
	Skipped []string
}

// Parse reads a session description (RFC 8866, 5). The error is [ErrTooBig], or wraps [ErrNoMedia] if not one
// media section can be used; nothing else is refused.
func Parse(b []byte) (*Session, error) {
	if len(b) > MaxSize {
		return nil, ErrTooBig
	}
	head, sections, total := split(b)
	s := &Session{Control: head.first("control"), Range: head.first("range")}
	ours := allSendOnly(sections)
	budget := maxConfig
	for i, sec := range sections {
		m, err := sec.media(ours)
		if err == nil && len(m.Track.Config) > budget {
			err = errors.New("too much configuration")
		}
		if err != nil {
			s.skip(fmt.Sprintf("m-line %d: %v", i, err))
			continue
		}
		budget -= len(m.Track.Config)
		m.Index, m.Track.ID = i, i+1
		s.Medias = append(s.Medias, m)
		if s.Range == "" {
			s.Range = sec.first("range")
		}
	}
	if total > len(sections) {
		s.skip(fmt.Sprintf("m-lines %d to %d: more than %d are too many", len(sections), total-1, maxMedia))
	}
	switch {
	case len(s.Medias) > 0:
		return s, nil
	case len(s.Skipped) > 0:
		return nil, fmt.Errorf("%w: %s", ErrNoMedia, s.Skipped[0])
	}
	return nil, ErrNoMedia
}

func (s *Session) skip(reason string) {
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	s.Skipped = append(s.Skipped, reason)
}

// allSendOnly tells the two meanings of a=sendonly apart. Where some sections have it, those are the back
// channels of ONVIF, which go to the camera. Where all have it, it means what RFC 8866, 6.7.3 says: the one who
// wrote the description sends.
func allSendOnly(sections []section) bool {
	for _, s := range sections {
		if !s.has("sendonly") {
			return false
		}
	}
	return true
}
