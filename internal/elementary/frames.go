package elementary

import (
	"bytes"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// maxFrame bounds a frame of sound, in bytes.
	maxFrame = 64 << 10
	// maxBroken is how often it is looked in a payload for where a frame may begin.
	maxBroken = 16
)

// cutter takes frames of sound off a byte stream.
type cutter interface {
	// cut returns the first frame of b, of whose bytes its own are. With size 0, or one beyond b, it takes more to know. An error says
	// that no frame begins here, and resync where one may behind.
	cut(b []byte) (frame, error)
	resync(b []byte) int
}

// frame is one of sound.
type frame struct {
	size  int    // bytes in the stream
	data  []byte // what a packet has of them
	lasts time.Duration

	rate, channels int
	config         [2]byte // an AudioSpecificConfig; with rate 0 nothing new is known
	configured     bool
}

// describes reports whether a track is described as a frame says.
func (x *frame) describes(t *media.Track) bool {
	if t == nil {
		return false
	}
	return x.rate == 0 ||
		t.SampleRate == x.rate && t.Channels == x.channels && (!x.configured || bytes.Equal(t.Config, x.config[:]))
}

// frames takes sound of which a PES packet has several frames, or parts of some.
type frames struct {
	cutter cutter
	known  media.Track
	now    *media.Track
	emit   func(*media.Packet) error
	part   []byte        // of a frame that is not whole
	next   time.Duration // when the next frame is due
	begun  bool          // that is known
}

func newFrames(known media.Track, emit func(*media.Packet) error, c cutter) *frames {
	return &frames{cutter: c, known: known, emit: emit}
}

func (f *frames) track() *media.Track     { return f.now }
func (f *frames) flush() error            { return nil }
func (f *frames) flushBefore(Stamp) error { return nil }
func (f *frames) size() int               { return cap(f.part) }
func (f *frames) lose()                   { f.part = nil }

// push takes a payload. Its stamp is that of the first frame which begins in it (13818-1, 2.4.3.7).
func (f *frames) push(b []byte, at Stamp) (bad error) {
	before := len(f.part)
	broken := 0
	all := append(f.part, b...) //nolint:gocritic // the part is part of it from now on
	f.part = nil
	for rest := all; len(rest) > 0; {
		if begins := len(all) - len(rest); at.Given && begins >= before {
			f.next, f.begun, at.Given = at.PTS, true, false
		}
		x, err := f.cutter.cut(rest)
		switch {
		case err != nil:
			if bad = err; broken == maxBroken {
				return bad
			}
			broken++
			rest = rest[f.cutter.resync(rest):]
		case x.size == 0 || x.size > len(rest):
			if len(rest) > maxFrame {
				return fmt.Errorf("%w: a frame of more than %d bytes", ErrBadData, maxFrame)
			}
			f.part = bytes.Clone(rest)
			return bad
		default:
			if err := f.take(&x); err != nil {
				return err
			}
			rest = rest[x.size:]
		}
	}
	return bad
}

// take makes a packet of a frame.
func (f *frames) take(x *frame) error {
	if x.rate == 0 && len(x.data) == 0 {
		return nil // it says nothing
	}
	if !x.describes(f.now) {
		t := f.known
		if x.rate > 0 {
			t.SampleRate, t.Channels = x.rate, x.channels
		}
		if x.configured {
			t.Config = x.config[:]
		}
		t.ClockRate = t.SampleRate
		f.now = &t
	}
	if !f.begun || len(x.data) == 0 {
		return nil
	}
	at := f.next
	f.next += x.lasts
	return f.emit(&media.Packet{Track: f.now, DTS: at, PTS: at, Data: x.data})
}
