// Package framing finds RTP and RTCP packets in what a TCP connection brings: each behind two bytes of length (RFC 4571), or as RTSP
// interleaves them, behind a dollar sign, a channel and two bytes of length (RFC 7826, 14). Devices of GB/T 28181 use either.
package framing

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrNoRTP says that what comes is no RTP at all.
var ErrNoRTP = errors.New("framing: no RTP")

const (
	// minPacket is the size of the shortest RTCP packet that says something, and rtpHeader that of the shortest RTP packet.
	minPacket, rtpHeader = 8, 12
	// maxHead is the size of the longer of the two heads.
	maxHead = 4
	// maxSkipped bounds what is looked through for the next packet, in bytes.
	maxSkipped = 1 << 20
)

// Reader reads packets. It is for one goroutine at a time.
type Reader struct {
	from       io.Reader
	max        int
	buf        []byte
	begin, end int // of what was read and is not taken
	failed     error

	begun   bool
	ssrc    uint32
	skipped int // bytes since the last packet
}

// NewReader returns a reader of packets of at most so many bytes; what claims to be longer is no packet. It takes three times as much memory.
func NewReader(from io.Reader, longest int) *Reader {
	return &Reader{from: from, max: longest, buf: make([]byte, 3*(longest+maxHead))}
}

// Next returns the next packet, which is valid until the next call. lost reports that something in front of it was none and was
// passed over. The error is that of the connection, [io.EOF] at its end, or matches [ErrNoRTP].
func (r *Reader) Next() (packet []byte, lost bool, err error) {
	for {
		head, size, ok, err := r.frame()
		if err != nil {
			return nil, false, err
		}
		if ok {
			packet = r.buf[r.begin+head : r.begin+head+size]
			r.begin += head + size
			lost, r.skipped = r.skipped > 0, 0
			if !r.begun || !IsRTCP(packet) {
				r.ssrc, r.begun = ssrcOf(packet), true
			}
			return packet, lost, nil
		}
		r.begin++
		if r.skipped++; r.skipped > maxSkipped {
			return nil, false, fmt.Errorf("%w in %d bytes", ErrNoRTP, maxSkipped)
		}
	}
}

// frame looks whether a packet begins here: whole, and one that belongs to the others, or is followed by another of its own source.
func (r *Reader) frame() (head, size int, ok bool, err error) {
	if err := r.fill(maxHead + minPacket); err != nil {
		return 0, 0, false, err
	}
	head, size, ok = r.head(0)
	if !ok {
		return 0, 0, false, nil
	}
	if err := r.fill(head + size); err != nil {
		return 0, 0, false, err
	}
	of := ssrcOf(r.buf[r.begin+head:])
	if r.begun && r.ssrc == of || !r.begun && r.skipped == 0 {
		return head, size, true, nil
	}
	// It may be a source that has begun anew, or by chance look like one.
	switch err := r.fill(head + size + maxHead + rtpHeader); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return head, size, r.skipped == 0, nil
	case err != nil:
		return 0, 0, false, err
	}
	next, _, ok := r.head(head + size)
	return head, size, ok && ssrcOf(r.buf[r.begin+head+size+next:]) == of, nil
}

// head reads the head of a packet at a place, and the first byte of the packet: the two heads cannot be taken for each other, as
// long as a packet has less than 32 KiB.
func (r *Reader) head(at int) (head, size int, ok bool) {
	b := r.buf[r.begin+at : r.end]
	if size = int(binary.BigEndian.Uint16(b)); r.fits(size, b[2:]) {
		return 2, size, true
	}
	if size = int(binary.BigEndian.Uint16(b[2:])); b[0] == '$' && r.fits(size, b[4:]) {
		return 4, size, true
	}
	return 0, 0, false
}

// fits reports whether a packet of a size may begin so.
func (r *Reader) fits(size int, b []byte) bool {
	if size > r.max || b[0]>>6 != 2 {
		return false
	}
	return size >= rtpHeader || size >= minPacket && IsRTCP(b)
}

// fill reads until n bytes are there. An end in between is [io.ErrUnexpectedEOF].
func (r *Reader) fill(n int) error {
	if r.begin+n > len(r.buf) {
		r.end = copy(r.buf, r.buf[r.begin:r.end])
		r.begin = 0
	}
	for r.end-r.begin < n {
		if r.failed != nil {
			if errors.Is(r.failed, io.EOF) && r.end > r.begin {
				return io.ErrUnexpectedEOF
			}
			return r.failed
		}
		m, err := r.from.Read(r.buf[r.end:])
		r.end += m
		r.failed = err
	}
	return nil
}

// IsRTCP tells a report from a packet of media (RFC 5761, 4), of which there are two bytes at least.
func IsRTCP(b []byte) bool { return b[1] >= 192 && b[1] <= 223 }

// ssrcOf is the source of a packet.
func ssrcOf(b []byte) uint32 {
	if IsRTCP(b) {
		return binary.BigEndian.Uint32(b[4:])
	}
	return binary.BigEndian.Uint32(b[8:])
}
