package crowd

import (
	"encoding/binary"
	"syscall"
)

// sequenceHead is how many bytes of an RTP packet it takes to know its sequence number (RFC 3550 section 5.1).
const sequenceHead = 4

// sequence counts what the sequence numbers of RTP packets leave out.
type sequence struct {
	begun   bool
	next    uint16
	missing int
	missed  int // of missing, before the window
}

// mark begins a new window.
func (s *sequence) mark() { s.missed = s.missing }

func (s *sequence) add(head [sequenceHead]byte) {
	got := binary.BigEndian.Uint16(head[2:])
	ahead := int(int16(got - s.next))
	switch {
	case !s.begun:
		s.begun = true
	case ahead < 0: // one that has been counted as missing
		s.missing = max(0, s.missing-1)
		return
	default:
		s.missing += ahead
	}
	s.next = got + 1
}

// sequenced is a batch that copies as much of each datagram as it takes to know whether one is missing.
type sequenced struct {
	batch
	pieces [batchSize]syscall.Iovec
	first  [batchSize][sequenceHead]byte
}

func newSequenced() *sequenced {
	b := &sequenced{}
	for i := range b.heads {
		b.pieces[i].Base = &b.first[i][0]
		b.pieces[i].SetLen(sequenceHead)
		b.heads[i].head.Iov, b.heads[i].head.Iovlen = &b.pieces[i], 1
	}
	return b
}

// drop throws away what waits in the socket of an RTP player, and returns how many bytes that was.
func (b *sequenced) drop(fd int, s *sequence) int {
	return b.each(fd, func(i int) { s.add(b.first[i]) })
}
