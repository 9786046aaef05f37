// Package pace hands packets on when they are due by their stamps: of what comes faster, as recordings do.
package pace

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/media"
)

const (
	// Furthest is how far ahead of the pace, or behind, stamps are taken for a jump.
	Furthest = 15 * time.Second
	// back is how far the stamps of a track step back where they are others.
	back = 500 * time.Millisecond
	// maxSlips is how much later a pace may become.
	maxSlips = 6 * time.Second
	// maxTracks is for how many tracks the pace is known.
	maxTracks = 64
	// ManyTurns is how often it goes from one pace to the other until tracks are taken to be apart, and not to jump together.
	ManyTurns = 20
)

// ErrApart says that tracks have stamps which have nothing to do with each other.
var ErrApart = errors.New("tracks are more than 15 s apart: each is played at a pace of its own")

// Pacer hands packets on when they are due. It is for one goroutine. Its exported fields are set before it is used.
type Pacer struct {
	Sink gate.Sink
	// Warn is told of ErrApart.
	Warn func(error)
	// Done ends waiting, and Why is the error then.
	Done <-chan struct{}
	Why  func() error
	// Came, if it is not nil, is when a packet was handed on, in ns of Unix.
	Came *atomic.Int64
	// Period is that of what comes now: stamps of another have another origin.
	Period int64

	tracks map[int]*paced
	newest *pace
	last   *pace // of the packet before
	turns  int   // how often the pace has been another
}

// pace says when stamps are due.
type pace struct {
	period int64
	from   time.Time // when the first packet was due,
	first  time.Duration
	slips  time.Duration // how much later it has become
}

func (x *pace) due(stamp time.Duration) time.Time { return x.from.Add(stamp - x.first) }

// near reports whether a stamp is none of a jump.
func (x *pace) near(stamp time.Duration, now time.Time) bool {
	return x.due(stamp).Sub(now).Abs() <= Furthest
}

// paced is a track.
type paced struct {
	pace   *pace
	newest time.Duration // stamp
}

// SetTracks implements [gate.Sink].
func (p *Pacer) SetTracks(tracks ...*media.Track) error { return p.Sink.SetTracks(tracks...) }

// Restart says that the next packet may have any stamp.
func (p *Pacer) Restart() { p.tracks, p.newest, p.last, p.turns = nil, nil, nil, 0 }

// Forget says that the next packet of a track may have any stamp.
func (p *Pacer) Forget(id int) { delete(p.tracks, id) }

// find returns the pace of a packet: that of its track, or the newest of all if it fits; nil if a new one begins.
func (p *Pacer) find(id int, stamp time.Duration, now time.Time) *pace {
	var own *pace
	if t := p.tracks[id]; t != nil {
		own = t.pace
		if own.period == p.Period && stamp >= t.newest-back && own.near(stamp, now) {
			return own
		}
	}
	if p.newest != nil && p.newest != own && p.newest.period == p.Period && p.newest.near(stamp, now) {
		return p.newest
	}
	return nil
}

// Due returns when a packet would be.
func (p *Pacer) Due(id int, stamp time.Duration, now time.Time) (at time.Time, known bool) {
	if x := p.find(id, stamp, now); x != nil {
		return x.due(stamp), true
	}
	return now, false
}

// Slip lets what goes the pace of a packet be later, not by much in all.
func (p *Pacer) Slip(id int, stamp, late time.Duration) {
	x := p.find(id, stamp, time.Now())
	if x == nil {
		return
	}
	if late = min(late, maxSlips-x.slips); late > 0 {
		x.from = x.from.Add(late)
		x.slips += late
	}
}

// follow returns the pace of a packet, and takes note of it.
func (p *Pacer) follow(id int, stamp time.Duration, now time.Time) *pace {
	x, t := p.find(id, stamp, now), p.tracks[id]
	switch {
	case x == nil:
		x = &pace{period: p.Period, from: now, first: stamp}
		p.newest = x
	case t != nil && t.pace != x: // it has joined another track
		p.turns = 0
	case t != nil && p.last != x:
		if p.turns++; p.turns == ManyTurns {
			p.Warn(ErrApart)
		}
	}
	if t == nil {
		if p.tracks == nil || len(p.tracks) >= maxTracks {
			p.tracks = map[int]*paced{}
		}
		t = &paced{}
		p.tracks[id] = t
	}
	t.pace, t.newest, p.last = x, stamp, x
	return x
}

// WritePacket implements [gate.Sink].
func (p *Pacer) WritePacket(pkt *media.Packet) error {
	select {
	case <-p.Done:
		return p.Why()
	default:
	}
	now := time.Now()
	p.touch(now)
	if ahead := p.follow(pkt.Track.ID, pkt.DTS, now).due(pkt.DTS).Sub(now); ahead > 0 {
		t := time.NewTimer(ahead)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.Done:
			return p.Why()
		}
	}
	err := p.Sink.WritePacket(pkt)
	p.touch(time.Now())
	return err
}

func (p *Pacer) touch(now time.Time) {
	if p.Came != nil {
		p.Came.Store(now.UnixNano())
	}
}
