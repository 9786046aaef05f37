package mpegts

import (
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/gate"
	"github.com/sluice-media/sluice/internal/leftout"
	"github.com/sluice-media/sluice/media"
)

// ErrNoStream says that bytes are no transport stream.
var ErrNoStream = errors.New("mpegts: no transport stream")

const (
	syncByte = 0x47
	// maxSkipped bounds what is looked through for the beginning of a packet, in bytes.
	maxSkipped = 1 << 20
	// maxProgramStreams bounds the elementary streams that are taken of a program.
	maxProgramStreams = 16
)

// Demuxer makes tracks and packets of a transport stream: those of its first program. It is for one goroutine at a time.
type Demuxer struct {
	gate    *gate.Gate
	leftOut *leftout.Reasons
	failed  error // the sink has
	clock   Clock

	partial []byte // of a packet
	astray  bool   // it is not known where the next one is
	skipped int    // bytes since the last one
	pat     section
	pmt     section
	pmtPID  uint16
	list    []byte // of elementary streams, as the newest PMT has it
	streams []*input
	packets uint64
}

// NewDemuxer returns a demuxer that fills s. Why something is left out is told to warn, once for each reason.
func NewDemuxer(s gate.Sink, warn func(error)) *Demuxer {
	d := &Demuxer{leftOut: leftout.New(warn)}
	d.gate = gate.New(s, d.tracks)
	return d
}

// Packets returns how many packets of media have come.
func (d *Demuxer) Packets() uint64 { return d.packets }

// Begins reports whether the first bytes of something are those of a transport stream.
func Begins(b []byte) bool {
	return len(b) >= headerSize && b[0] == syncByte && b[1]&0x80 == 0 && b[3]&0x30 != 0
}

// Write takes the next bytes, of which it keeps none. An error is one of the sink, or [ErrNoStream].
func (d *Demuxer) Write(b []byte) (int, error) {
	size := len(b)
	if len(d.partial) > 0 {
		d.partial = append(d.partial, b...)
		b = d.partial
	}
	rest, err := d.take(b)
	d.partial = append(d.partial[:0], rest...) // it may be in there already, and further behind
	if err != nil {
		return 0, err
	}
	return size, nil
}

// take takes the packets of b, and returns what is left.
func (d *Demuxer) take(b []byte) (rest []byte, err error) {
	for len(b) >= packetSize {
		switch {
		case b[0] != syncByte:
			d.astray = true
		case !d.astray:
			d.skipped = 0
			if err := d.packet(b[:packetSize]); err != nil {
				return nil, err
			}
			b = b[packetSize:]
			continue
		}
		n := find(b)
		if d.skipped += n; d.skipped > maxSkipped {
			return nil, ErrNoStream
		}
		b = b[n:]
		if len(b) <= (enough-1)*packetSize {
			return b, nil // it takes more to be sure
		}
		d.astray = false
	}
	return b, nil
}

// find returns where the next packet is: where so many sync bytes are at the distance of packets, as far as b goes.
func find(b []byte) int {
	for i := range b {
		found := true
		for k := 0; k < enough && found && i+k*packetSize < len(b); k++ {
			found = b[i+k*packetSize] == syncByte
		}
		if found {
			return i
		}
	}
	return len(b)
}

// enough packets make sure that they are some.
const enough = 3

// Close takes what has come for all there is.
func (d *Demuxer) Close() error {
	if err := d.Break(); err != nil {
		return err
	}
	if !d.gate.Opened() && len(d.tracks()) > 0 {
		return d.gate.Open()
	}
	return nil
}

// Break says that all units have come to their ends, and that packets are counted anew from here: at the end of a segment of HLS.
func (d *Demuxer) Break() error {
	d.partial, d.astray = d.partial[:0], false
	for _, in := range d.streams {
		in.begun = false
		if err := d.settle(in, in.finish(&d.clock)); err != nil {
			return err
		}
		if err := d.settle(in, in.es.Flush()); err != nil {
			return err
		}
	}
	return nil
}

// Lose says that bytes are missing: pictures are left out up to the next at which decoding can start.
func (d *Demuxer) Lose() {
	for _, in := range d.streams {
		in.drop()
	}
}

// packet takes a packet (13818-1, 2.4.3.2).
func (d *Demuxer) packet(b []byte) error {
	if b[0] != syncByte || b[1]&0x80 != 0 { // transport_error_indicator
		return nil
	}
	pid := uint16(b[1]&0x1f)<<8 | uint16(b[2])
	p := tsPacket{begins: b[1]&0x40 != 0, scrambled: b[3]&0xc0 != 0, counter: b[3] & 0xf}
	payload := b[headerSize:]
	if b[3]&0x20 != 0 { // an adaptation field
		n := 1 + int(payload[0])
		if n > len(payload) {
			return nil
		}
		p.restart = n > 1 && payload[1]&0x80 != 0
		payload = payload[n:]
	}
	if b[3]&0x10 == 0 { // no payload, and the counter stands
		return nil
	}
	p.payload = payload
	switch {
	case pid == patPID:
		return d.pat.push(p, d.program)
	case pid == d.pmtPID && pid != 0:
		return d.pmt.push(p, d.streamsOf)
	}
	for _, in := range d.streams {
		if in.pid == pid {
			return d.feed(in, p)
		}
	}
	return nil
}

// tsPacket is a packet with a payload.
type tsPacket struct {
	begins    bool // a section or a PES packet
	scrambled bool
	restart   bool // the counter may begin anew (discontinuity_indicator)
	counter   byte
	payload   []byte
}

// feed gives a packet to its elementary stream.
func (d *Demuxer) feed(in *input, p tsPacket) error {
	if p.scrambled {
		d.leftOut.Add(errors.New("mpegts: it is scrambled"))
		return nil
	}
	if len(in.buf)+len(p.payload) > max(cap(in.buf), fewBytes) && d.size() > maxSize { // it would grow
		in.drop()
	}
	return d.settle(in, in.push(p, &d.clock))
}

const (
	// maxSize bounds what is kept of all elementary streams together, about, in bytes; fewBytes of one do not matter.
	maxSize  = 4 * elementary.MaxUnit
	fewBytes = 256 << 10
)

// size is how many bytes are kept of what is not whole yet.
func (d *Demuxer) size() (n int) {
	for _, in := range d.streams {
		n += cap(in.buf) + in.es.Size()
	}
	return n
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
	if in.described || in.es.Track() == nil {
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

// tracks returns those that are known.
func (d *Demuxer) tracks() (list []*media.Track) {
	for _, in := range d.streams {
		if t := in.es.Track(); t != nil {
			list = append(list, t)
		}
	}
	return list
}

// complete reports whether all that the program has is known.
func (d *Demuxer) complete() bool { return len(d.streams) > 0 && len(d.tracks()) == len(d.streams) }

func (d *Demuxer) leaveOutType(streamType byte) {
	d.leftOut.Add(fmt.Errorf("mpegts: stream type %#02x (%s) is not taken", streamType, TypeName(streamType)))
}
