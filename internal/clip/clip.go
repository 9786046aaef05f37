// Package clip publishes an FLV file in a loop, in real time.
package clip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

// Clip is a file in memory.
type Clip struct {
	tracks   []*media.Track
	metadata map[string]any
	packets  []*media.Packet
	length   time.Duration
}

var _ flv.Sink = (*Clip)(nil)

// Load reads an FLV file.
func Load(r io.Reader) (*Clip, error) {
	c := &Clip{}
	demux, tags := flv.NewDemuxer(c), flv.NewReader(r)
	for {
		typ, stamp, body, err := tags.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = demux.Tag(typ, stamp, body)
		}
		if err != nil {
			return nil, fmt.Errorf("clip: %w", err)
		}
	}
	if len(c.packets) == 0 {
		return nil, errors.New("clip: no packets in it")
	}
	for _, t := range c.tracks {
		c.length = max(c.length, c.lengthOf(t))
	}
	return c, nil
}

// lengthOf is how long a track lasts, with its last packet, in the milliseconds of FLV. That packet is as long as the
// others are.
func (c *Clip) lengthOf(t *media.Track) time.Duration {
	var first, last, n time.Duration
	for _, p := range c.packets {
		if p.Track.ID != t.ID {
			continue
		}
		if n == 0 {
			first = p.DTS
		}
		last = p.DTS
		n++
	}
	if n < 2 {
		return 40 * time.Millisecond
	}
	return ((last - first) * n / (n - 1)).Round(time.Millisecond)
}

// SetTracks implements [flv.Sink].
func (c *Clip) SetTracks(tracks ...*media.Track) error {
	c.tracks = tracks
	return nil
}

// SetMetadata implements [flv.Sink].
func (c *Clip) SetMetadata(md map[string]any) { c.metadata = md }

// WritePacket implements [flv.Sink].
func (c *Clip) WritePacket(p *media.Packet) error {
	c.packets = append(c.packets, p)
	return nil
}

// Packets returns how many packets the clip has.
func (c *Clip) Packets() int { return len(c.packets) }

// Play writes the clip to a publisher, over and over, each packet at its time. It returns when ctx ends or the
// publisher does.
func (c *Clip) Play(ctx context.Context, p *media.Publisher) error {
	p.SetMetadata(c.metadata)
	if err := p.SetTracks(c.tracks...); err != nil { //nolint:contextcheck // what it starts outlives this call
		return err
	}
	begun := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for shift := time.Duration(0); ; shift += c.length {
		for _, pkt := range c.packets {
			next := *pkt
			next.DTS += shift
			next.PTS += shift
			timer.Reset(time.Until(begun.Add(next.DTS - c.packets[0].DTS)))
			select {
			case <-timer.C:
			case <-p.Done():
				return p.Err()
			case <-ctx.Done():
				return ctx.Err()
			}
			if err := p.WritePacket(&next); err != nil {
				return err
			}
		}
	}
}
