// Package elementary makes tracks and packets of elementary streams as MPEG-2 systems (ISO/IEC 13818-1) carry them in PES packets:
// H.264 and H.265 as byte streams (annex B), AAC behind ADTS headers or in LATM, MP3, Opus and G.711.
package elementary

import (
	"errors"
	"time"

	"github.com/sluice-media/sluice/media"
)

// ErrBadData says that something of a stream is broken and was left out. What follows may be whole.
var ErrBadData = errors.New("elementary: bad data")

const (
	// MaxUnit bounds a picture, in bytes, and so what a stream holds of one.
	MaxUnit = 8 << 20
	// maxUnits bounds the NAL units of a picture.
	maxUnits = 512
)

// Stamp is when a PES packet is due.
type Stamp struct {
	DTS, PTS time.Duration
	// Given is whether it says so. If not, it goes on with what the one before began.
	Given bool
}

// Stream makes packets of one elementary stream. It is for one goroutine at a time.
type Stream struct {
	format format
}

// format is how a codec lies in the payload of PES packets.
type format interface {
	// push takes the payload of the next PES packet, of which it keeps nothing.
	push(b []byte, at Stamp) error
	// flush says that the next one does not go on with what has come; one that is due at a time, if it is another.
	flush() error
	flushBefore(at Stamp) error
	// lose says that bytes are missing, and what is not whole yet cannot be had.
	lose()
	// size is how many bytes are kept.
	size() int
	// track describes the stream; nil if that is not known yet.
	track() *media.Track
}

// New returns a stream whose track has an ID and a codec; known says what else is known of it. It gives emit its packets, whose errors
// are handed on. Of another codec than those of the package there is none.
func New(known media.Track, emit func(*media.Packet) error) *Stream {
	switch known.Codec {
	case media.H264, media.H265:
		return &Stream{newPictures(known, emit)}
	case media.AAC:
		return &Stream{newFrames(known, emit, &aac{})}
	case media.MP3:
		return &Stream{newFrames(known, emit, mpegAudio{})}
	case media.Opus:
		return &Stream{newFrames(known, emit, opus{})}
	case media.G711A, media.G711U:
		return &Stream{newSamples(known, emit)}
	}
	return nil
}

// Push takes the payload of the next PES packet, of which it keeps nothing. An error that matches [ErrBadData] speaks of this one only.
func (s *Stream) Push(b []byte, at Stamp) error { return s.format.push(b, at) }

// Flush says that a picture is whole: the next PES packet begins another, or there is none.
func (s *Stream) Flush() error { return s.format.flush() }

// FlushBefore is [Stream.Flush] if what is not whole yet is due at another time than a PES packet that has begun to come.
func (s *Stream) FlushBefore(at Stamp) error { return s.format.flushBefore(at) }

// Lose says that bytes are missing. Pictures are left out from there to the next at which decoding can start.
func (s *Stream) Lose() { s.format.lose() }

// Size returns how many bytes are kept of what is not whole yet.
func (s *Stream) Size() int { return s.format.size() }

// Track describes the stream; it is nil if that is not known yet.
func (s *Stream) Track() *media.Track { return s.format.track() }
