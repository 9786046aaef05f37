package depacketizer

import (
	"bytes"
	"fmt"

	"github.com/pion/rtp"
)

// latm takes AAC in LATM (RFC 6416, 6) whose configuration is in the SDP: access units of one program and layer
// behind their lengths, in an audioMuxElement that a packet or several make up, the last with the marker.
type latm struct {
	d     *Depacketizer
	ticks uint32 // of a frame
	part  []byte // of an element
	count int    // the packets it has come in so far
	stamp uint32
	skip  bool // the rest of an element whose beginning may be missing

	// What is known of the sender: it has sent elements in one packet, and in several.
	whole, splits bool
}

// newLATM returns nil if the configuration is between the frames.
func newLATM(d *Depacketizer) format {
	if d.source.Params["cpresent"] != "0" || len(d.track.Config) == 0 {
		return nil
	}
	return &latm{d: d, ticks: frameTicks(d.track)}
}

func (f *latm) push(p *rtp.Packet, lost bool) error {
	if lost {
		f.giveUp()
		if f.splits || !f.whole {
			f.skip, f.stamp = true, p.Timestamp
			f.d.drop(f.stamp)
		}
	}
	if f.skip && p.Timestamp == f.stamp {
		f.skip = !p.Marker
		return nil
	}
	f.skip = false
	var err error
	if f.count > 0 && p.Timestamp != f.stamp {
		err = f.element() // the sender does not set markers
	}
	if len(f.part)+len(p.Payload) > maxAAC {
		f.giveUp()
		f.skip, f.stamp = !p.Marker, p.Timestamp
		return fmt.Errorf("%w: an audioMuxElement of more than %d bytes", ErrBadPacket, maxAAC)
	}
	f.part = append(f.part, p.Payload...)
	f.stamp = p.Timestamp
	f.count++
	if p.Marker {
		return f.element()
	}
	return err
}

// giveUp leaves out an element of which a packet is missing.
func (f *latm) giveUp() {
	if f.count > 0 {
		f.part, f.count = f.part[:0], 0
		f.d.drop(f.stamp)
	}
}

// element takes an audioMuxElement apart, if the lengths in it add up.
func (f *latm) element() error {
	for b := f.part; len(b) > 0; {
		var ok bool
		if _, b, ok = nextPayload(b); !ok {
			f.giveUp()
			return fmt.Errorf("%w: LATM ends early", ErrBadPacket)
		}
	}
	stamp := f.stamp
	for b := f.part; len(b) > 0; stamp += f.ticks {
		var au []byte
		if au, b, _ = nextPayload(b); len(au) > 0 {
			f.d.emit(stamp, bytes.Clone(au), false)
		}
	}
	f.whole, f.splits = f.whole || f.count == 1, f.splits || f.count > 1
	f.part, f.count = f.part[:0], 0
	return nil
}

// nextPayload reads PayloadLengthInfo and PayloadMux (ISO/IEC 14496-3, 1.7.3.1).
func nextPayload(b []byte) (au, rest []byte, ok bool) {
	size := 0
	for i, n := range b {
		size += int(n)
		if n == 255 {
			continue
		}
		b = b[i+1:]
		if size > len(b) {
			return nil, nil, false
		}
		return b[:size], b[size:], true
	}
	return nil, nil, false
}
