package mpegps

import (
	"errors"
	"fmt"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/internal/mpegts"
)

var (
	// errBadPES says that a PES packet is broken.
	errBadPES = errors.New("mpegps: bad PES packet")
	// errNoHeader is made but once: nothing costs a sender less than what it tells of.
	errNoHeader = fmt.Errorf("%w: its header is not whole", errBadPES)
	errNoLength = fmt.Errorf("%w: one that is not of video has no length", errBadPES)
)

const (
	// peeked is how many bytes of a payload are looked at before the rest has come.
	peeked = 64
	// maxStuffing bounds what is in front of the stamps of MPEG-1 (ISO/IEC 11172-1, 2.4.3.3).
	maxStuffing = 16
)

// stamps are those of a PES packet, in 90 kHz as it has them.
type stamps struct {
	given    bool
	pts, dts int64
}

// pes is a PES packet that is coming.
type pes struct {
	open bool
	in   *input // nil if nobody wants it
	head int    // of its bytes in front of the payload
	at   elementary.Stamp
}

// packet takes a PES packet (2.4.3.6), and returns how many bytes it has: 0 if it takes more.
func (d *Demuxer) packet(b []byte) (n int, err error) {
	if !d.has(b, 9) {
		return 0, nil
	}
	size := size16(b)
	bounded := size > 6
	if !d.pes.open {
		if n, err := d.begin(b, size, bounded); n > 0 || err != nil || !d.pes.open {
			return n, err
		}
	}
	p := d.pes
	switch {
	case !bounded && !isVideo(b[3]):
		d.pes, d.tail = pes{}, nil
		d.leftOut.Add(errNoLength)
		return p.head, nil
	case !bounded: // all that has come, and what follows
		size = len(b)
	case !d.has(b, size):
		return 0, nil
	}
	payload := b[p.head:size]
	if isVideo(b[3]) { // of which no start code of another kind is a part, whatever the length says
		if at, found := nextCode(payload, false); found || !bounded {
			payload = payload[:at]
		}
	}
	d.pes, d.tail = pes{}, nil
	if isVideo(b[3]) {
		d.tail = p.in
	}
	return p.head + len(payload), d.feed(p.in, payload, p.at)
}

// begin takes the head of a PES packet when that has come, and a few bytes more. It returns a size to pass over of what is none.
func (d *Demuxer) begin(b []byte, size int, bounded bool) (n int, err error) {
	head, s, ok := pesHead(b)
	switch {
	case !ok || bounded && head > size:
		d.tail = nil
		d.leftOut.Add(errNoHeader)
		if in := d.find(b[3]); in != nil {
			in.lose()
		}
		return 4, nil
	case !d.has(b, head):
		return 0, nil
	}
	look := head + peeked
	if bounded {
		look = min(look, size)
	}
	if !d.has(b, look) {
		return 0, nil
	}
	payload := b[head:look]
	in, err := d.input(b[3], payload)
	if err != nil {
		return 0, err
	}
	d.pes = pes{open: true, in: in, head: head}
	if in == nil || in.passed {
		return 0, nil
	}
	d.pes.at = d.timeline.stamp(in, s, payload, d.streams)
	return 0, d.settle(in, in.expect(d.pes.at, payload))
}

// pesHead reads the head of a PES packet, of which there are nine bytes. It returns where its payload begins, with stamps if that much has
// come.
func pesHead(b []byte) (size int, s stamps, ok bool) {
	if b[6]>>6 != 2 {
		return pesHead1(b)
	}
	size = 9 + int(b[8])
	if len(b) < size {
		return size, s, true
	}
	flags := b[7] >> 6
	if flags&2 != 0 && b[8] >= 5 {
		s = stamps{true, mpegts.Stamp33(b[9:]), mpegts.Stamp33(b[9:])}
	}
	if flags == 3 && b[8] >= 10 {
		s.dts = mpegts.Stamp33(b[14:])
	}
	return size, s, true
}

// pesHead1 is pesHead for a packet of MPEG-1 (ISO/IEC 11172-1, 2.4.3.3).
func pesHead1(b []byte) (size int, s stamps, ok bool) {
	at := 6
	for at < len(b) && at < 6+maxStuffing && b[at] == 0xff {
		at++
	}
	if at < len(b) && b[at]>>6 == 1 { // the size of a buffer
		at += 2
	}
	if at >= len(b) {
		return at + 1, s, true
	}
	switch size = at + 1; {
	case b[at] == 0x0f:
		return size, s, true
	case b[at]>>4 == 2:
		size = at + 5
	case b[at]>>4 == 3:
		size = at + 10
	default:
		return 0, s, false
	}
	if len(b) >= size {
		s = stamps{true, mpegts.Stamp33(b[at:]), mpegts.Stamp33(b[at:])}
		if size == at+10 {
			s.dts = mpegts.Stamp33(b[at+5:])
		}
	}
	return size, s, true
}
