package cookbook

import (
	"context"
	"io"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// film is a source for one viewer, here of packets in memory; a file would be read as it is played.
type film struct {
	tracks  []*media.Track
	packets []*media.Packet // their stamps count from the beginning of the film
	next    int
}

var _ media.Source = (*film)(nil)

// Tracks, Duration and Close implement media.Source.
func (f *film) Tracks() []*media.Track  { return f.tracks }
func (f *film) Duration() time.Duration { return f.packets[len(f.packets)-1].DTS }
func (f *film) Close() error            { return nil }

// ReadPacket is called when the viewer can take more: a second ahead of the clock at most.
func (f *film) ReadPacket(context.Context) (*media.Packet, error) {
	if f.next == len(f.packets) {
		return nil, io.EOF
	}
	p := *f.packets[f.next] // a packet belongs to who gets it, and others watch the film too
	f.next++
	return &p, nil
}

// Seek goes on at the last key frame that is not after at.
func (f *film) Seek(_ context.Context, at time.Duration) (time.Duration, error) {
	f.next = 0
	for i, p := range f.packets {
		if p.DTS > at {
			break
		}
		if p.Key {
			f.next = i
		}
	}
	return f.packets[f.next].DTS, nil
}

// cinema shows its films to whoever asks for films/NAME, to each from the beginning: m.Open(cinema).
type cinema map[string]film

var _ media.Opener = cinema(nil)

// Open implements media.Opener.
func (c cinema) Open(_ context.Context, r *media.OpenRequest) (media.Source, error) {
	f, ok := c[r.Stream.Name]
	if !ok || r.Stream.App != "films" {
		return nil, hook.ErrNotHandled
	}
	return &f, nil
}
