// Package gate holds back the packets of a stream until it is known which tracks it has.
package gate

import (
	"slices"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Sink takes the tracks of a stream, and then its packets; a *media.Publisher is one.
type Sink interface {
	SetTracks(tracks ...*media.Track) error
	WritePacket(p *media.Packet) error
}

const (
	// MaxHeld is how many packets are held back for a track that has not shown up.
	MaxHeld = 100
	// maxHeldBytes and maxWait bound them, too, by their bytes and for how long.
	maxHeldBytes = 16 << 20
	maxWait      = 3 * time.Second
)

// Gate is in front of a sink. It is for one goroutine at a time.
type Gate struct {
	sink   Sink
	open   bool
	tracks func() []*media.Track
	held   []*media.Packet
	bytes  int
}

// New returns a gate. tracks tells those that are known by now.
func New(sink Sink, tracks func() []*media.Track) *Gate { return &Gate{sink: sink, tracks: tracks} }

// Opened reports whether packets go through.
func (g *Gate) Opened() bool { return g.open }

// Changed says that there are other tracks. complete is whether no more are to be expected: then the gate opens. Behind an open one the
// sink is told of late tracks.
func (g *Gate) Changed(complete, late bool) error {
	switch {
	case g.open && late:
		return g.sink.SetTracks(g.tracks()...)
	case !g.open && complete:
		return g.Open()
	}
	return nil
}

// Packet lets a packet through, or holds it back: not for long, and not many.
func (g *Gate) Packet(p *media.Packet) error {
	if g.open {
		return g.sink.WritePacket(p)
	}
	g.held = append(g.held, p)
	g.bytes += len(p.Data)
	if len(g.held) < MaxHeld && g.bytes < maxHeldBytes && p.DTS-g.held[0].DTS < maxWait {
		return nil
	}
	return g.Open()
}

// Open declares the tracks that are known and lets go of what was held back, but for packets of tracks that are no more.
func (g *Gate) Open() error {
	g.open = true
	held := g.held
	g.held, g.bytes = nil, 0
	tracks := g.tracks()
	if err := g.sink.SetTracks(tracks...); err != nil {
		return err
	}
	for _, p := range held {
		if !slices.ContainsFunc(tracks, func(t *media.Track) bool { return t.ID == p.Track.ID && t.Codec == p.Track.Codec }) {
			continue
		}
		if err := g.sink.WritePacket(p); err != nil {
			return err
		}
	}
	return nil
}
