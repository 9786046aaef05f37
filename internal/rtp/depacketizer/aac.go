package depacketizer

import (
	"bytes"
	"fmt"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/internal/bits"
)

// maxAAC bounds an access unit of AAC, in bytes: twice what any encoder makes of 48 channels.
const maxAAC = 64 << 10

// aac takes AAC in the generic format (RFC 3640). Of an access unit in fragments the header says in each packet how
// long the whole is (3.2.3); many senders write how long the fragment is.
type aac struct {
	d *Depacketizer
	aacFields
	ticks uint32 // of a frame

	part  []byte // of an access unit that comes in fragments
	want  int    // its length, or 0 if only the marker tells
	count int    // the fragments so far
	stamp uint32 // of part, or of what is skipped
	skip  bool   // the rest of an access unit whose beginning may be missing

	// What is known of the sender: it has sent an access unit with a marker in one packet, one without a marker,
	// one in fragments that do not say how long the whole is.
	whole, plain, splits bool
	last                 uint32 // timestamp of the last access unit
}

func (f *aac) push(p *rtp.Packet, lost bool) error {
	if lost {
		f.giveUp()
	}
	if f.skip && p.Timestamp == f.stamp {
		f.skip = !p.Marker
		return nil
	}
	f.skip = false
	if f.part != nil && p.Timestamp != f.stamp {
		f.close()
	}
	headers, b, err := auHeaders(p.Payload)
	if err != nil {
		return err
	}
	if f.part != nil {
		return f.goOn(b, p.Marker)
	}
	size := headers.Read(f.size)
	headers.Read(f.index)
	if headers.Left < f.size && size == len(b) && lost && f.mayBeTail(p) {
		f.skip, f.stamp = !p.Marker, p.Timestamp
		f.d.drop(p.Timestamp)
		return nil
	}
	if headers.Left < f.size && (size > len(b) || size == len(b) && !p.Marker) {
		return f.begin(b, size, p)
	}
	f.whole = f.whole || p.Marker
	return f.several(&headers, b, size, p.Timestamp)
}

// several takes the access units of a packet, the first of which has the given size.
func (f *aac) several(headers *bits.Reader, b []byte, size int, stamp uint32) error {
	for {
		if size > len(b) {
			return fmt.Errorf("%w: an access unit of %d bytes in %d", ErrBadPacket, size, len(b))
		}
		f.emit(stamp, bytes.Clone(b[:size]))
		b = b[size:]
		if headers.Left < f.size || len(b) == 0 {
			return nil
		}
		size = headers.Read(f.size)
		stamp += f.ticks * uint32(headers.Read(f.next)+1)
	}
}

// mayBeTail reports whether what looks like an access unit, after a loss, may be the last part of one: its header
// does not tell with senders that write how long the fragment is. That a sender is one of them shows when it
// splits, or when no access unit is missing in time though a packet is.
func (f *aac) mayBeTail(p *rtp.Packet) bool {
	if !p.Marker {
		return !f.plain
	}
	return f.splits || !f.whole || p.Timestamp == f.last+f.ticks
}

// begin takes the first fragment.
func (f *aac) begin(b []byte, size int, p *rtp.Packet) error {
	if size > maxAAC {
		return fmt.Errorf("%w: an access unit of %d bytes", ErrBadPacket, size)
	}
	if f.want = size; size == len(b) {
		f.want = 0
	}
	f.part, f.count, f.stamp = make([]byte, 0, size), 0, p.Timestamp
	return f.goOn(b, p.Marker)
}

// goOn takes a fragment.
func (f *aac) goOn(b []byte, marker bool) error {
	if len(f.part)+len(b) > max(f.want, maxAAC) || f.want > 0 && len(f.part)+len(b) > f.want {
		f.giveUp()
		f.skip = !marker
		return fmt.Errorf("%w: too many fragments of an access unit", ErrBadPacket)
	}
	f.part = append(f.part, b...)
	f.count++
	f.splits = f.splits || f.want == 0 && f.count > 1
	switch {
	case f.want > 0 && len(f.part) == f.want, f.want == 0 && marker:
		f.emit(f.stamp, f.part)
		f.part = nil
	case marker:
		f.giveUp()
	}
	return nil
}

// close ends an access unit because another begins. It is whole only if it came in one packet, from a sender that
// does not set markers.
func (f *aac) close() {
	if f.want > 0 || f.count > 1 {
		f.giveUp()
		return
	}
	f.plain = true
	f.emit(f.stamp, f.part)
	f.part = nil
}

// giveUp leaves out an access unit of which a fragment is missing.
func (f *aac) giveUp() {
	if f.part != nil {
		f.part = nil
		f.d.drop(f.stamp)
	}
}

func (f *aac) emit(stamp uint32, au []byte) {
	f.last = stamp
	if au = withoutADTS(au); len(au) > 0 {
		f.d.emit(stamp, au, false)
	}
}

// withoutADTS takes off the header (ISO/IEC 13818-7, 6.2) that some cameras leave in front.
func withoutADTS(b []byte) []byte {
	if len(b) < 7 || b[0] != 0xff || b[1]&0xf6 != 0xf0 {
		return b
	}
	size, head := int(b[3]&3)<<11|int(b[4])<<3|int(b[5])>>5, 7
	if b[1]&1 == 0 { // with a checksum
		head = 9
	}
	if size != len(b) || size < head {
		return b
	}
	return b[head:]
}
