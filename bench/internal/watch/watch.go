// Package watch follows one player of a stream: it checks every message that arrives and notes when each picture came.
package watch

import (
	"fmt"
	"time"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// Picture is one coded picture as it arrived.
type Picture struct {
	At   time.Time     // when its last byte had been read
	Time time.Duration // its decoding time
	Key  bool
}

// Watcher checks the messages of one player. It belongs to one goroutine.
//
// It holds a stream to what the servers promise: sequence headers before media, whole NAL units, stamps that only grow
// per track, a key frame first, and a key frame after every gap.
type Watcher struct {
	// Step is the longest time from one picture to the next that is not a gap. Zero means DefaultStep, right for 25 pictures a second.
	Step time.Duration
	// Strict asks for stamps that grow; otherwise equal ones pass, too.
	Strict bool

	video, audio track
	first        time.Time
	pictures     []Picture
	gaps         int
}

// track is what one track has shown so far.
type track struct {
	configured bool
	seen       bool
	last       uint32
	nalLength  int // bytes of a NAL unit's length field; 0 when the codec has no NAL units
}

// DefaultStep is the Step of a Watcher that does not set one.
const DefaultStep = 60 * time.Millisecond

// Message checks m, which arrived at at. The error wraps wire.ErrMalformed.
func (w *Watcher) Message(m wire.Message, at time.Time) error {
	switch m.Type {
	case wire.TypeVideo:
		return w.videoMessage(m, at)
	case wire.TypeAudio:
		return w.audioMessage(m, at)
	case wire.TypeScript:
		return script(m.Body)
	}
	return nil
}

// FirstMedia returns when the first coded picture or audio frame had arrived; zero before.
func (w *Watcher) FirstMedia() time.Time { return w.first }

// FirstKey returns when the first key frame had arrived; zero before.
func (w *Watcher) FirstKey() time.Time {
	if len(w.pictures) == 0 {
		return time.Time{}
	}
	return w.pictures[0].At
}

// Pictures returns all pictures so far. The slice is the watcher's own.
func (w *Watcher) Pictures() []Picture { return w.pictures }

// Gaps returns how often pictures were left out.
func (w *Watcher) Gaps() int { return w.gaps }

func (w *Watcher) videoMessage(m wire.Message, at time.Time) error {
	tag, err := parseVideo(m.Body)
	if err != nil {
		return err
	}
	switch tag.kind {
	case config:
		w.video.configured = true
		w.video.nalLength, err = nalLength(tag)
		return err
	case other:
		return nil
	case bare:
		w.video.configured = true
	}
	if err := w.video.advance("video", m.Time, w.Strict); err != nil {
		return err
	}
	if err := w.video.units(tag); err != nil {
		return err
	}
	return w.picture(Picture{At: at, Time: time.Duration(m.Time) * time.Millisecond, Key: tag.key})
}

// picture notes p and checks that a run of pictures begins with a key frame.
func (w *Watcher) picture(p Picture) error {
	w.media(p.At)
	step := w.Step
	if step == 0 {
		step = DefaultStep
	}
	n := len(w.pictures)
	gap := n > 0 && p.Time-w.pictures[n-1].Time > step
	if gap {
		w.gaps++
	}
	w.pictures = append(w.pictures, p)
	switch {
	case p.Key:
		return nil
	case n == 0:
		return malformed("the first picture is no key frame")
	case gap:
		return malformed("no key frame after a gap of %v", p.Time-w.pictures[n-1].Time)
	}
	return nil
}

func (w *Watcher) audioMessage(m wire.Message, at time.Time) error {
	kind, err := parseAudio(m.Body)
	if err != nil {
		return err
	}
	switch kind {
	case config:
		w.audio.configured = true
		return nil
	case other:
		return nil
	case bare:
		w.audio.configured = true
	}
	if err := w.audio.advance("audio", m.Time, w.Strict); err != nil {
		return err
	}
	w.media(at)
	return nil
}

func (w *Watcher) media(at time.Time) {
	if w.first.IsZero() {
		w.first = at
	}
}

// advance takes the next stamp of the track.
func (t *track) advance(name string, stamp uint32, strict bool) error {
	if !t.configured {
		return malformed("%s before its sequence header", name)
	}
	step := int32(stamp - t.last) // the difference is right across a wrap of the 32 bits
	if t.seen && (step < 0 || strict && step == 0) {
		return malformed("%s stamp %d after %d", name, stamp, t.last)
	}
	t.last, t.seen = stamp, true
	return nil
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("watch: %w: %s", wire.ErrMalformed, fmt.Sprintf(format, args...))
}
