package mpegts

import (
	"errors"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/internal/elementary"
	"github.com/sluice-media/sluice/media"
)

// errBadPES says that a PES packet is broken.
var errBadPES = errors.New("mpegts: bad PES packet")

// maxPES bounds a PES packet, in bytes.
const maxPES = elementary.MaxUnit + 512

// input is an elementary stream that comes in.
type input struct {
	pid   uint16
	codec media.Codec
	es    *elementary.Stream

	described bool // its track is known

	begun   bool // a packet has come
	counter byte
	open    bool   // a PES packet is being put together
	buf     []byte // of it; the memory is used again
	size    int    // of it, if it says so
}

// push takes a packet of it.
func (in *input) push(p tsPacket, clock *Clock) error {
	if in.begun && !p.restart {
		if p.counter == in.counter { // twice (2.4.3.3)
			return nil
		}
		if p.counter != (in.counter+1)&0xf {
			in.open = false
			in.es.Lose()
		}
	}
	in.begun, in.counter = true, p.counter
	var err error
	if p.begins {
		err = in.begin(p.payload, clock)
	}
	if !in.open {
		return err
	}
	if len(in.buf)+len(p.payload) > maxPES {
		in.open = false
		in.es.Lose()
		return errors.Join(err, fmt.Errorf("%w: of more than %d bytes", errBadPES, maxPES))
	}
	in.buf = append(in.buf, p.payload...)
	if in.size > 0 && len(in.buf) >= in.size {
		err = errors.Join(err, in.finish(clock))
	}
	return err
}

// drop lets go of what is not whole.
func (in *input) drop() {
	in.open, in.buf = false, nil
	in.es.Lose()
}

// begin begins a PES packet (2.4.3.6), which ends the one before.
func (in *input) begin(payload []byte, clock *Clock) error {
	err := in.finish(clock)
	if len(payload) < 6 || payload[0] != 0 || payload[1] != 0 || payload[2] != 1 {
		in.es.Lose()
		return errors.Join(err, fmt.Errorf("%w: it has no start code", errBadPES))
	}
	in.open, in.buf, in.size = true, in.buf[:0], int(payload[4])<<8|int(payload[5])
	if in.size > 0 {
		in.size += 6
	}
	// If it says when it is due, it begins a unit unless that is when the last one is.
	if at, _, ok := pesHeader(payload, clock); ok && at.Given {
		err = errors.Join(err, in.es.FlushBefore(at))
	}
	return err
}

// finish takes a PES packet for whole.
func (in *input) finish(clock *Clock) error {
	if !in.open {
		return nil
	}
	in.open = false
	b := in.buf
	if cap(in.buf) > maxScratch {
		in.buf = nil
	}
	if in.size > 0 {
		if len(b) < in.size {
			in.es.Lose()
			return fmt.Errorf("%w: it ends early", errBadPES)
		}
		b = b[:in.size]
	}
	at, head, ok := pesHeader(b, clock)
	if !ok {
		return fmt.Errorf("%w: its header is not whole", errBadPES)
	}
	return in.es.Push(b[head:], at)
}

// maxScratch is how much memory a stream keeps from one PES packet to the next.
const maxScratch = 1 << 20

// pesHeader reads the head of a PES packet, and returns where its payload begins.
func pesHeader(b []byte, clock *Clock) (at elementary.Stamp, size int, ok bool) {
	if len(b) < 9 || b[6]&0xc0 != 0x80 {
		return at, 0, false
	}
	flags := b[7] >> 6
	size = 9 + int(b[8])
	if len(b) < size {
		return at, 0, false
	}
	if flags&2 == 0 || b[8] < 5 {
		return at, size, true
	}
	at.Given = true
	at.PTS = clock.At(Stamp33(b[9:]))
	at.DTS = at.PTS
	if flags == 3 && b[8] >= 10 {
		at.DTS = clock.At(Stamp33(b[14:]))
	}
	return at, size, true
}

// Stamp33 reads a PTS or DTS of 33 bits.
func Stamp33(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}

// Clock unrolls the 33 bits of stamps in 90 kHz, so that a wrap is no jump. The zero value is one that has not begun.
type Clock struct {
	begun bool
	last  int64 // ticks
}

// At returns when a stamp is: the one of all that it may stand for which is nearest to the last.
func (c *Clock) At(stamp int64) time.Duration {
	if !c.begun {
		c.begun, c.last = true, stamp
	}
	diff := (stamp - c.last) & (1<<33 - 1)
	if diff >= 1<<32 {
		diff -= 1 << 33
	}
	c.last += diff
	return time.Duration(c.last) * 100000 / 9
}
