package mpegps

import (
	"errors"
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/internal/leftout"
	"github.com/sluice-media/sluice/media"
)

// ErrNoStream says that bytes are no program stream.
var ErrNoStream = errors.New("mpegps: no program stream")

const (
	// maxSkipped bounds what is looked through for a start code, in bytes: a picture of which the beginning is missing.
	maxSkipped = elementary.MaxUnit
	// maxScratch is how much memory is kept from one call to the next.
	maxScratch = 1 << 20
	// patience is how much of a stream without a map is waited for to see whether it has both pictures and sound.
	patience = time.Second
)

// Demuxer makes tracks and packets of a program stream. It takes what devices send: without a map of the program, or with one that comes
// late, changes, or is broken; PES packets without stamps, of a wrong length or none; private streams between them. Which codec an
// elementary stream has that no map tells of is looked up in its bytes. It is for one goroutine at a time.
type Demuxer struct {
	gate    *gate.Gate
	leftOut *leftout.Reasons
	failed  error // the sink has
	packets uint64

	partial []byte // what is not whole yet
	need    int    // how many bytes of it there have to be to go on
	skipped int    // bytes since the last thing that was found
	pes     pes    // the PES packet that is coming
	tail    *input // whose payload goes on where no start code is

	timeline timeline
	credit   int // bytes that have come, and that new elementary streams may cost
	streams  []*input
	mapped   bool          // a map has come,
	list     []byte        // and the newest has these elementary streams
	first    time.Duration // DTS of the first packet
}

// NewDemuxer returns a demuxer that fills s. Why something is left out is told to warn, once for each reason.
func NewDemuxer(s gate.Sink, warn func(error)) *Demuxer {
	d := &Demuxer{leftOut: leftout.New(warn), credit: maxCredit}
	d.gate = gate.New(s, d.tracks)
	return d
}

// Packets returns how many packets of media have come.
func (d *Demuxer) Packets() uint64 { return d.packets }

// Begins reports whether the first bytes of something are those of a program stream: of a pack, or of what devices begin with instead.
func Begins(b []byte) bool {
	if len(b) < 6 || b[0] != 0 || b[1] != 0 || b[2] != 1 {
		return false
	}
	switch b[3] {
	case packCode:
		return b[4]>>6 == 1 || b[4]>>4 == 2
	case systemCode, mapCode:
		return size16(b) <= maxMap
	default:
		return isMedia(b[3]) && len(b) >= 9 && (b[6]>>6 == 2 || b[6]>>6 == 1 || b[6] == 0x0f || b[6]>>5 == 1)
	}
}

// At says when what is written from now on is due by the stamp of its RTP packet, as far as it does not say so itself. It only ever
// matters how far two of these times are apart.
func (d *Demuxer) At(at time.Duration) { d.timeline.at = at }

// Write takes the next bytes, of which it keeps none. An error is one of the sink, or [ErrNoStream].
func (d *Demuxer) Write(b []byte) (int, error) {
	size := len(b)
	d.credit = min(d.credit+size, maxCredit)
	if len(d.partial) > 0 {
		d.partial = append(d.partial, b...)
		b = d.partial
		if len(b) < d.need {
			return size, nil
		}
	}
	rest, err := d.take(b)
	switch {
	case cap(d.partial) > maxScratch && len(rest) < maxScratch:
		d.partial = append([]byte(nil), rest...)
	case len(rest) != len(d.partial): // otherwise it is all there, and at its place
		d.partial = append(d.partial[:0], rest...)
	}
	if err != nil {
		return 0, err
	}
	return size, nil
}

// Lose says that bytes are missing here: the picture that is coming is lost, and pictures are left out up to the next at which decoding can
// start.
func (d *Demuxer) Lose() {
	d.restart()
	for _, in := range d.streams {
		in.lose()
	}
}

// restart forgets what was coming.
func (d *Demuxer) restart() {
	d.partial, d.need = d.partial[:0], 0
	d.pes, d.tail = pes{}, nil
	d.skipped = 0
}

// Break says that all units have come to their ends.
func (d *Demuxer) Break() error {
	if d.pes.open && d.pes.in != nil {
		d.pes.in.lose()
	}
	d.restart()
	for _, in := range d.streams {
		if err := d.settle(in, in.flush()); err != nil {
			return err
		}
	}
	return nil
}

// Close takes what has come for all there is.
func (d *Demuxer) Close() error {
	for _, in := range d.streams {
		if err := d.decide(in, true); err != nil {
			return err
		}
	}
	if err := d.Break(); err != nil {
		return err
	}
	if !d.gate.Opened() && len(d.tracks()) > 0 {
		return d.gate.Open()
	}
	return nil
}

// settle takes note of what an elementary stream has said, and of its track when that has come to be known.
func (d *Demuxer) settle(in *input, err error) error {
	if err := d.check(err); err != nil {
		return err
	}
	return d.describe(in)
}

// describe tells of the track of an elementary stream when that has come to be known.
func (d *Demuxer) describe(in *input) error {
	if in.described || in.track() == nil {
		return nil
	}
	in.described = true
	return d.gate.Changed(d.complete(), true)
}

// check lets errors of the sink through, and says why something is left out.
func (d *Demuxer) check(err error) error {
	if err != nil && d.failed == nil {
		d.leftOut.Add(err)
	}
	return d.failed
}

// emit hands on a packet, behind the news of its track.
func (d *Demuxer) emit(in *input, p *media.Packet) error {
	if d.packets++; d.packets == 1 {
		d.first = p.DTS
	}
	if d.failed = d.describe(in); d.failed != nil {
		return d.failed
	}
	if d.failed = d.gate.Packet(p); d.failed == nil && !d.gate.Opened() && !d.mapped && p.DTS-d.first >= patience {
		d.failed = d.gate.Changed(d.known(), false)
	}
	return d.failed
}

// tracks returns those that are known.
func (d *Demuxer) tracks() (list []*media.Track) {
	for _, in := range d.streams {
		if t := in.track(); t != nil {
			list = append(list, t)
		}
	}
	return list
}

// known reports whether all elementary streams that have shown up are known.
func (d *Demuxer) known() bool {
	taken := 0
	for _, in := range d.streams {
		if in.passed {
			continue
		}
		if taken++; in.track() == nil {
			return false
		}
	}
	return taken > 0
}

// complete reports whether all that the program has is known: what its map says or, without one, pictures and sound.
func (d *Demuxer) complete() bool {
	if !d.known() || d.mapped {
		return d.known()
	}
	video, sound := false, false
	for _, t := range d.tracks() {
		video, sound = video || t.Codec.Video(), sound || !t.Codec.Video()
	}
	return video && sound
}
