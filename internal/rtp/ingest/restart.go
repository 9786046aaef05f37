package ingest

import (
	"math"
	"time"
)

// place is where, or how fast, a recording is played from now on.
type place struct {
	speed float64
	lost  bool // what came before is not what pictures refer to
}

// Restart says that what comes from now on is from another place of a recording, goes on after a pause, or comes at another speed: its
// timestamps and numbers have nothing to do with those before. The stream's go on all the same, and at the pace of the clock on the wall:
// with a speed of 2 they are half as far apart as the timestamps, unless those turn out to keep that pace themselves. lost says that it is
// another place, so that pictures up to a key frame cannot be decoded. Until something comes, GoOn takes it back.
func (in *Ingest) Restart(speed float64, lost bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.next = &place{speed, lost}
}

// GoOn says that what comes goes on with what came before.
func (in *Ingest) GoOn() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.next = nil
}

// arrive begins with what a Restart has announced, now that something comes.
func (in *Ingest) arrive() {
	if in.next == nil {
		return
	}
	at := *in.next
	in.next, in.pace = nil, pace{asked: at.speed}
	if in.restamps {
		at.speed = 1
	}
	in.restart(at)
}

func (in *Ingest) restart(at place) {
	if !at.lost {
		in.place()
	}
	if in.hold.timer != nil {
		in.hold.timer.Stop()
	}
	in.hold = hold{closed: in.hold.closed}
	in.speed = at.speed
	in.clock.Restart(at.speed)
	for _, t := range in.tracks {
		t.seq.Restart(at.lost)
		t.came, t.ended, t.decoding = false, false, nil
		t.gap = t.gap || at.lost && t.media.Codec.Video()
	}
}

const (
	// paceAfter is when what a source has sent ahead is over, and paceOver how long it is looked at then.
	paceAfter = time.Second
	paceOver  = 2 * time.Second
	// leastSpeed is from when on, and its inverse up to when, a speed can be told from real time.
	leastSpeed = 1.25
)

// pace finds out how fast timestamps come: sources that play at another speed leave them as they were, or make new ones for who watches.
type pace struct {
	asked float64 // the speed that the source was asked for
	track *track  // which is looked at; nil before the first unit
	since time.Time
	stamp uint32 // at since, once that is over
	runs  bool
	known bool
}

// measure looks at a unit, and goes on at the pace at which timestamps come, if that is the other one.
func (in *Ingest) measure(t *track, stamp uint32, now time.Time) {
	p := &in.pace
	if p.known || max(p.asked, 1/p.asked) < leastSpeed || p.track != nil && p.track != t {
		return
	}
	passed := now.Sub(p.since)
	switch {
	case p.track == nil:
		p.track, p.since = t, now
	case !p.runs && passed >= paceAfter:
		p.runs, p.since, p.stamp = true, now, stamp
	case p.runs && passed >= paceOver:
		p.known = true
		came := float64(int32(stamp-p.stamp)) / float64(t.rate) / passed.Seconds()
		restamps := came <= 0 || math.Abs(math.Log(came)) < math.Abs(math.Log(came/p.asked))
		if restamps == in.restamps {
			return
		}
		in.opts.Log.Info("the speed of a source", "asked", p.asked, "timestamps", came)
		in.restamps = restamps
		if restamps {
			in.restart(place{speed: 1})
		} else {
			in.restart(place{speed: p.asked})
		}
	}
}
