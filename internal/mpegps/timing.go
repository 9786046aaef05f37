package mpegps

import (
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/mpegts"
)

// apart is how far the stamps of elementary streams are from each other at most if they are of one clock.
const apart = 10 * time.Second

// timeline is the time of a program. That of its elementary streams is brought to it if they have clocks of their own.
type timeline struct {
	at time.Duration // of the RTP packet that is coming

	begun bool
	now   time.Duration // the last stamp,
	nowAt time.Duration // and when it came by RTP
}

// timing is when the PES packets of an elementary stream are due.
type timing struct {
	stamped bool // it has stamps
	clock   mpegts.Clock
	last    stamps
	own     time.Duration // the last DTS by its clock
	shift   time.Duration // what makes its clock that of the program

	begun  bool
	base   elementary.Stamp // the last one
	baseAt time.Duration    // when that came by RTP
}

// stamp returns when a PES packet is due whose payload begins so.
func (l *timeline) stamp(in *input, s stamps, payload []byte, all []*input) elementary.Stamp {
	t := &in.timing
	repeated := t.stamped && s == t.last
	switch {
	case s.given && !repeated:
		l.take(t, s, all)
	case isVideo(in.id):
		if t.begun && l.at == t.baseAt || !in.begins(payload) {
			if !s.given {
				return elementary.Stamp{} // it goes on
			}
			break
		}
		l.guess(t) // of a device that stamps some, or always the same
	case t.begun && l.at == t.baseAt, t.stamped && !s.given:
		return elementary.Stamp{}
	default:
		l.guess(t)
	}
	return t.base
}

// guess takes the time by RTP.
func (l *timeline) guess(t *timing) {
	at := l.expected()
	if step := l.at - t.baseAt; t.begun && step > 0 && step < apart {
		at = t.base.DTS + step
	}
	t.begun, t.base, t.baseAt = true, elementary.Stamp{DTS: at, PTS: at, Given: true}, l.at
	l.reach(at)
}

// expected is when something is due that comes now, by RTP.
func (l *timeline) expected() time.Duration {
	if !l.begun {
		return l.at
	}
	return l.now + l.at - l.nowAt
}

func (l *timeline) reach(at time.Duration) { l.begun, l.now, l.nowAt = true, at, l.at }

// take takes the stamps of a PES packet.
func (l *timeline) take(t *timing, s stamps, all []*input) {
	first := !t.stamped
	if first {
		t.join(s, all)
	}
	t.stamped, t.last = true, s
	pts := t.clock.At(s.pts)
	dts := pts
	if s.dts != s.pts {
		dts = t.clock.At(s.dts)
	}
	t.own = dts
	l.align(t, first, all)
	t.begun, t.base, t.baseAt = true, elementary.Stamp{DTS: dts + t.shift, PTS: pts + t.shift, Given: true}, l.at
	l.reach(t.base.DTS)
}

// join takes the clock of another elementary stream, if the first stamps are of that.
func (t *timing) join(s stamps, all []*input) {
	for _, other := range all {
		if o := &other.timing; o != t && o.stamped {
			clock := o.clock
			if near(clock.At(s.dts), o.own) {
				t.clock, t.shift = o.clock, o.shift
				return
			}
		}
	}
}

// align shifts the clock of an elementary stream if it is not that of the program: to that of another one which it is near, or so that what
// comes now is due now. One that is alone may jump.
func (l *timeline) align(t *timing, first bool, all []*input) {
	at := t.own + t.shift
	if !l.begun || near(at, l.now) || near(at, l.expected()) {
		return
	}
	alone := true
	for _, other := range all {
		if o := &other.timing; o != t && o.begun {
			alone = false
			if o.stamped && near(t.own, o.own) {
				t.shift = o.shift
				return
			}
		}
	}
	if alone && !first {
		return
	}
	at = l.now
	if since := l.at - l.nowAt; since > 0 && since < apart {
		at += since
	}
	t.shift = at - t.own
}

func near(a, b time.Duration) bool { return a-b < apart && b-a < apart }
