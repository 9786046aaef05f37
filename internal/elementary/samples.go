package elementary

import (
	"bytes"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
)

// samples takes G.711, of which every byte is a sample.
type samples struct {
	now   *media.Track
	emit  func(*media.Packet) error
	next  time.Duration
	begun bool
}

func newSamples(known media.Track, emit func(*media.Packet) error) *samples {
	if known.SampleRate <= 0 {
		known.SampleRate, known.Channels = 8000, 1
	}
	known.ClockRate = known.SampleRate
	return &samples{now: &known, emit: emit}
}

func (f *samples) track() *media.Track     { return f.now }
func (f *samples) flush() error            { return nil }
func (f *samples) flushBefore(Stamp) error { return nil }
func (f *samples) size() int               { return 0 }
func (f *samples) lose()                   {}

func (f *samples) push(b []byte, at Stamp) error {
	if at.Given {
		f.next, f.begun = at.PTS, true
	}
	switch {
	case !f.begun || len(b) == 0:
		return nil
	case len(b) > maxFrame:
		return fmt.Errorf("%w: %d bytes of samples", ErrBadData, len(b))
	}
	p := &media.Packet{Track: f.now, DTS: f.next, PTS: f.next, Data: bytes.Clone(b)}
	f.next += time.Duration(len(b)/max(f.now.Channels, 1)) * time.Second / time.Duration(f.now.SampleRate)
	return f.emit(p)
}
