package mpegps

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/sluice-media/sluice/internal/elementary"
)

const (
	packSize  = 14 // of a pack header without stuffing (2.5.3.3),
	packSize1 = 12 // and as MPEG-1 has it (ISO/IEC 11172-1, 2.4.3.2)
	// maxSystem bounds a system header, in bytes (2.5.3.5): its own, and three for each elementary stream.
	maxSystem = 12 + 3*256
)

// errBadSystem says that a system header is broken.
var errBadSystem = errors.New("mpegps: a system header of an impossible length")

// size16 returns the size of what has its length behind the start code, in bytes.
func size16(b []byte) int { return 6 + int(binary.BigEndian.Uint16(b[4:])) }

// take takes what is whole in b, and returns what is left.
func (d *Demuxer) take(b []byte) (rest []byte, err error) {
	d.need = 0
	for len(b) > 0 {
		at, found := nextCode(b, d.tail == nil)
		if at > 0 {
			if err := d.pass(b[:at]); err != nil {
				return nil, err
			}
			b = b[at:]
		}
		if !found {
			return b, nil
		}
		n, err := d.unit(b)
		if err != nil {
			return nil, err
		}
		if n == 0 { // it takes more to know
			return b, nil
		}
		d.skipped = 0
		b = b[n:]
	}
	return b, nil
}

// nextCode returns where in b the next start code is that is no video's or, if it is not found, where the beginning of one may be. A strict
// search is one among any bytes: it is for the ones that matter.
func nextCode(b []byte, strict bool) (at int, found bool) {
	for at < len(b) {
		n := bytes.Index(b[at:], []byte{0, 0, 1})
		if n < 0 {
			break
		}
		at += n
		if at+3 >= len(b) {
			return at, false
		}
		if id := b[at+3]; id >= systemFirst && (!strict || id <= lastVideo) {
			return at, true
		}
		at += 3
	}
	switch n := len(b); {
	case bytes.HasSuffix(b, []byte{0, 0}):
		return n - 2, false
	case n > 0 && b[n-1] == 0:
		return n - 1, false
	default:
		return n, false
	}
}

// pass takes bytes that no start code is in front of: more of the last video, if that is clear. Devices write a length of 0 if the packet is
// too long for one, or what is left of it in 16 bits.
func (d *Demuxer) pass(b []byte) error {
	if d.tail != nil {
		return d.feed(d.tail, b, elementary.Stamp{})
	}
	if d.skipped += len(b); d.skipped > maxSkipped {
		return ErrNoStream
	}
	return nil
}

// unit takes what begins with a start code. It returns how many bytes that has, or 0 if it takes d.need to go on.
func (d *Demuxer) unit(b []byte) (n int, err error) {
	id := b[3]
	if isMedia(id) || id == privateID && d.find(id) != nil {
		return d.packet(b)
	}
	d.tail = nil
	switch id {
	case endCode:
		return 4, nil
	case packCode:
		return d.pack(b), nil
	case mapCode:
		return d.programMap(b)
	}
	if !d.has(b, 6) {
		return 0, nil
	}
	n = size16(b)
	if id == systemCode && n > maxSystem {
		d.leftOut.Add(errBadSystem)
		return 4, nil // it is none
	}
	if !d.has(b, n) { // a system header, private data, padding
		return 0, nil
	}
	return n, nil
}

// has reports whether b has n bytes, and otherwise takes note that it needs them.
func (d *Demuxer) has(b []byte, n int) bool {
	if len(b) < n {
		d.need = n
		return false
	}
	return true
}

// pack returns the size of a pack header, with its stuffing.
func (d *Demuxer) pack(b []byte) int {
	switch {
	case !d.has(b, 5):
		return 0
	case b[4]>>4 == 2:
		if !d.has(b, packSize1) {
			return 0
		}
		return packSize1
	case b[4]>>6 != 1:
		return 4 // it is none
	case !d.has(b, packSize):
		return 0
	}
	n := packSize + int(b[13]&7)
	if !d.has(b, n) {
		return 0
	}
	if bytes.HasPrefix(b[packSize:n], []byte{0, 0, 1}) { // there is less of it than it says
		return packSize
	}
	return n
}
