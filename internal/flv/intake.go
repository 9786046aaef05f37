package flv

import (
	"errors"
	"time"

	"github.com/sluice-media/sluice/internal/leftout"
)

// Intake is a [Demuxer] for what a peer sends live. Tags that cannot be used are left out.
type Intake struct {
	demux   *Demuxer
	stamps  stamps
	leftOut *leftout.Reasons
}

// NewIntake returns an intake that fills s. Why something is left out is told to warn, once for each reason.
func NewIntake(s Sink, warn func(error)) *Intake {
	return &Intake{demux: NewDemuxer(s), leftOut: leftout.New(warn)}
}

// Take takes a tag, whose stamp is in ms and may wrap. Script tags carry stamps of their own making, often 0, and say nothing of the time.
// An error is one of the sink.
func (i *Intake) Take(typ byte, stamp uint32, body []byte) error {
	at := i.stamps.now()
	if typ != TagScript {
		at = i.stamps.unroll(stamp)
	}
	err := i.demux.Tag(typ, at, body)
	if errors.Is(err, ErrBadTag) || errors.Is(err, ErrUnsupported) {
		i.leftOut.Add(err)
		return nil
	}
	return err
}

// Started is that of the [Demuxer].
func (i *Intake) Started() bool { return i.demux.Started() }

// LeftOut tells why tags were left out.
func (i *Intake) LeftOut() []string { return i.leftOut.List() }

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
