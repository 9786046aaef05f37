package flv

import (
	"errors"
	"slices"
	"time"
)

// maxLeftOut bounds how many reasons are kept of what was left out.
const maxLeftOut = 8

// Intake is a [Demuxer] for what a peer sends live. Tags that cannot be used are left out.
type Intake struct {
	demux   *Demuxer
	stamps  stamps
	warn    func(error)
	leftOut []string
}

// NewIntake returns an intake that fills s. Why something is left out is told to warn, once for each reason.
func NewIntake(s Sink, warn func(error)) *Intake { return &Intake{demux: NewDemuxer(s), warn: warn} }

// Take takes a tag, whose stamp is in ms and may wrap. Script tags carry stamps of their own making, often 0, and say nothing of the time.
// An error is one of the sink.
func (i *Intake) Take(typ byte, stamp uint32, body []byte) error {
	at := i.stamps.now()
	if typ != TagScript {
		at = i.stamps.unroll(stamp)
	}
	err := i.demux.Tag(typ, at, body)
	if errors.Is(err, ErrBadTag) || errors.Is(err, ErrUnsupported) {
		i.leaveOut(err)
		return nil
	}
	return err
}

func (i *Intake) leaveOut(err error) {
	why := err.Error()
	if len(i.leftOut) == maxLeftOut || slices.Contains(i.leftOut, why) {
		return
	}
	i.leftOut = append(i.leftOut, why)
	i.warn(err)
}

// Started is that of the [Demuxer].
func (i *Intake) Started() bool { return i.demux.Started() }

// LeftOut tells why tags were left out.
func (i *Intake) LeftOut() []string { return i.leftOut }

// stamps unrolls the 32 bits of milliseconds of a publisher, so that a wrap is no jump.
type stamps struct {
	begun bool
	last  uint32
	at    int64
}

func (s *stamps) unroll(stamp uint32) time.Duration {
	if !s.begun {
		s.begun = true
		s.at = int64(stamp)
	} else {
		s.at += int64(int32(stamp - s.last))
	}
	s.last = stamp
	return s.now()
}

// now is the newest time stamp.
func (s *stamps) now() time.Duration { return time.Duration(s.at) * time.Millisecond }
