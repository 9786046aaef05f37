package hlspull

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/media"
)

const (
	// furthest is how far ahead of the pace, or behind, stamps are taken for a jump.
	furthest = 15 * time.Second
	// back is how far the stamps of a track step back where they are others.
	back = 500 * time.Millisecond
	// maxSlips is how much later a pace may become.
	maxSlips = 6 * time.Second
	// maxTracks is for how many tracks the pace is known.
	maxTracks = 64
	// manyTurns is how often it goes from one pace to the other until tracks are taken to be apart, and not to jump together.
	manyTurns = 20
)

// errApart says that tracks have stamps which have nothing to do with each other.
var errApart = errors.New("hls: tracks are more than 15 s apart: each is played at a pace of its own")

// pacer hands packets on when they are due: segments come as a whole. It is for one goroutine.
type pacer struct {
	sink gate.Sink
	warn func(error)
	done <-chan struct{}
	why  func() error  // it is done
	came *atomic.Int64 // when a packet was handed on, in ns of Unix

	period int64 // of what comes now: stamps of another have another origin
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
	return x.due(stamp).Sub(now).Abs() <= furthest
}

// paced is a track.
type paced struct {
	pace   *pace
	newest time.Duration // stamp
}

// SetTracks implements [gate.Sink].
func (p *pacer) SetTracks(tracks ...*media.Track) error { return p.sink.SetTracks(tracks...) }

// begin implements [sink]: of one playlist, periods do not matter.
func (p *pacer) begin(_ int64, torn bool) {
	if torn {
		p.tracks, p.newest, p.last, p.turns = nil, nil, nil, 0
	}
}

// forget says that the next packet of a track may have any stamp.
func (p *pacer) forget(id int) { delete(p.tracks, id) }

// find returns the pace of a packet: that of its track, or the newest of all if it fits; nil if a new one begins.
func (p *pacer) find(id int, stamp time.Duration, now time.Time) *pace {
	var own *pace
	if t := p.tracks[id]; t != nil {
		own = t.pace
		if own.period == p.period && stamp >= t.newest-back && own.near(stamp, now) {
			return own
		}
	}
	if p.newest != nil && p.newest != own && p.newest.period == p.period && p.newest.near(stamp, now) {
		return p.newest
	}
	return nil
}

// due returns when a packet would be.
func (p *pacer) due(id int, stamp time.Duration, now time.Time) (at time.Time, known bool) {
	if x := p.find(id, stamp, now); x != nil {
		return x.due(stamp), true
	}
	return now, false
}

// slip lets what goes the pace of a packet be later, not by much in all.
func (p *pacer) slip(id int, stamp, late time.Duration) {
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
func (p *pacer) follow(id int, stamp time.Duration, now time.Time) *pace {
	x, t := p.find(id, stamp, now), p.tracks[id]
	switch {
	case x == nil:
		x = &pace{period: p.period, from: now, first: stamp}
		p.newest = x
	case t != nil && t.pace != x: // it has joined another track
		p.turns = 0
	case t != nil && p.last != x:
		if p.turns++; p.turns == manyTurns {
			p.warn(errApart)
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
func (p *pacer) WritePacket(pkt *media.Packet) error {
	select {
	case <-p.done:
		return p.why()
	default:
	}
	now := time.Now()
	p.came.Store(now.UnixNano())
	if ahead := p.follow(pkt.Track.ID, pkt.DTS, now).due(pkt.DTS).Sub(now); ahead > 0 {
		t := time.NewTimer(ahead)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.done:
			return p.why()
		}
	}
	err := p.sink.WritePacket(pkt)
	p.came.Store(time.Now().UnixNano())
	return err
}
