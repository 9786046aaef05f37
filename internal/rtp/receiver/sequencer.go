package receiver

import (
	"bytes"
	"time"

	"github.com/pion/rtp"
)

const (
	// maxJump is how far a sequence number may step without a doubt (MAX_DROPOUT of RFC 3550, A.1).
	maxJump = 3000
	// defaultMaxWait is how long a gap holds packets back.
	defaultMaxWait = 200 * time.Millisecond
	// maxReorder bounds the packets that are held back.
	maxReorder = 1024
)

// Packet is an RTP packet in its place.
type Packet struct {
	rtp.Packet
	// Lost says that packets are missing in front of it.
	Lost bool
	// Arrived is when it came.
	Arrived time.Time
}

// SequencerConfig says what to expect of the transport.
type SequencerConfig struct {
	// ClockRate is that of the timestamps in Hz, for the jitter.
	ClockRate int
	// Reorder is how many packets wait for one that is missing. 0 means none, for a transport that keeps the
	// order. It is rounded up to a power of two, and at most 1024.
	Reorder int
	// MaxWait is how long they wait. 0 means 200 ms.
	MaxWait time.Duration
}

// Sequencer puts the packets of one source in order. It is for one goroutine at a time.
type Sequencer struct {
	cfg   SequencerConfig
	begun bool
	anew  bool // it has begun before
	ssrc  uint32
	next  uint16   // the sequence number that is due
	gap   bool     // packets are missing in front of the next one
	room  int      // how many packets can be held
	held  []Packet // nil until the first is, as on most ways none ever has to be
	taken []bool   // which of held are in use
	count int      // how many
	since time.Time
	seen  uint64 // which of the 64 before next have come
	doubt struct {
		ssrc uint32
		next uint16
		ok   bool
	}
	out []Packet
	statistics
}

// NewSequencer returns a sequencer.
func NewSequencer(c SequencerConfig) *Sequencer {
	if c.MaxWait == 0 {
		c.MaxWait = defaultMaxWait
	}
	s := &Sequencer{cfg: c}
	if c.Reorder > 0 {
		n := 1
		for n < min(c.Reorder, maxReorder) {
			n *= 2
		}
		s.room = n
	}
	return s
}

// Push takes a packet as it comes and returns those whose turn it is. They are valid until the next call, and p as long as the memory
// that its payload lies in: of a packet that is held back the payload is copied, and header extensions are left out.
func (s *Sequencer) Push(p rtp.Packet, now time.Time) []Packet {
	s.forget()
	s.stats.Received++
	if !s.begun {
		missing := int(int16(p.SequenceNumber - s.next))
		s.gap = s.gap || s.anew && p.SSRC == s.ssrc && missing > 0 && missing <= maxJump
		s.begin(&p)
	}
	ahead := int(int16(p.SequenceNumber - s.next))
	if p.SSRC != s.ssrc || ahead > maxJump || ahead < -maxJump {
		if !s.confirmed(&p) {
			s.stats.Late++
			return s.out
		}
		s.restart(&p)
		ahead = 0
	}
	s.doubt.ok = false
	switch {
	case ahead < 0:
		s.tooLate(-ahead)
		return s.out
	case ahead == 0:
		s.deliver(Packet{Packet: p, Arrived: now})
		s.drain()
	case s.room == 0:
		s.skip(ahead)
		s.deliver(Packet{Packet: p, Arrived: now})
	default:
		s.hold(p, ahead, now)
	}
	s.measure(&p.Header, now)
	return s.out
}

// forget lets go of what was returned last, and of the memory that it was read into.
func (s *Sequencer) forget() {
	clear(s.out)
	s.out = s.out[:0]
}

func (s *Sequencer) begin(p *rtp.Packet) {
	s.begun, s.ssrc, s.next, s.seen = true, p.SSRC, p.SequenceNumber, 0
	s.startStatistics(p.SequenceNumber)
}

// Restart lets the source begin anew with the next packet, at any number. What is held back is given up. lost says that the next packet
// has nothing to do with those before it; else it goes on with them, unless its number is a little ahead of the one that is due.
func (s *Sequencer) Restart(lost bool) {
	clear(s.held)
	clear(s.taken)
	s.gap = s.gap || lost || s.count > 0
	s.count, s.doubt.ok, s.anew, s.begun = 0, false, s.anew || s.begun, false
}

// confirmed reports whether a packet that does not fit follows another that did not either: then the source
// has begun anew.
func (s *Sequencer) confirmed(p *rtp.Packet) bool {
	ok := s.doubt.ok && s.doubt.ssrc == p.SSRC && s.doubt.next == p.SequenceNumber
	s.doubt.ok, s.doubt.ssrc, s.doubt.next = true, p.SSRC, p.SequenceNumber+1
	return ok
}

// restart goes on with a source that has begun anew.
func (s *Sequencer) restart(p *rtp.Packet) {
	for s.count > 0 {
		s.step()
	}
	s.begin(p)
	s.gap = true
}

// tooLate counts a packet whose turn is over.
func (s *Sequencer) tooLate(behind int) {
	if behind <= 64 && s.seen&(1<<(behind-1)) != 0 {
		s.stats.Duplicate++
		return
	}
	s.stats.Late++
}

// hold keeps a packet that is early.
func (s *Sequencer) hold(p rtp.Packet, ahead int, now time.Time) {
	if s.held == nil {
		s.held, s.taken = make([]Packet, s.room), make([]bool, s.room)
	}
	for ; ahead >= len(s.held); ahead-- { // no room: give up what is missing longest
		s.step()
	}
	s.drain()
	ahead = int(int16(p.SequenceNumber - s.next))
	if ahead < 0 { // it was among those that were held
		s.tooLate(-ahead)
		return
	}
	if ahead == 0 {
		s.deliver(Packet{Packet: p, Arrived: now})
		s.drain()
		return
	}
	i := int(p.SequenceNumber) & (len(s.held) - 1)
	if s.taken[i] {
		s.stats.Duplicate++
		return
	}
	if s.count == 0 {
		s.since = now
	}
	p.Payload, p.Extensions = bytes.Clone(p.Payload), nil // what it came in may be read into again
	s.held[i], s.taken[i] = Packet{Packet: p, Arrived: now}, true
	s.count++
	s.stats.Reordered++
}

// Flush returns the packets behind a gap that has lasted for MaxWait. They are valid until the next call.
func (s *Sequencer) Flush(now time.Time) []Packet {
	s.forget()
	if s.count == 0 || now.Sub(s.since) < s.cfg.MaxWait {
		return s.out
	}
	for !s.taken[int(s.next)&(len(s.held)-1)] {
		s.skip(1)
	}
	s.drain()
	s.since = now
	return s.out
}

// Waits reports whether packets are held back.
func (s *Sequencer) Waits() bool { return s.count > 0 }

// step delivers the packet that is due, or gives it up.
func (s *Sequencer) step() {
	i := int(s.next) & (len(s.held) - 1)
	if !s.taken[i] {
		s.skip(1)
		return
	}
	p := s.held[i]
	s.held[i], s.taken[i] = Packet{}, false
	s.count--
	s.deliver(p)
}

// drain delivers the packets that were early, as far as none is missing.
func (s *Sequencer) drain() {
	for s.count > 0 && s.taken[int(s.next)&(len(s.held)-1)] {
		s.step()
	}
}

// skip gives up n packets.
func (s *Sequencer) skip(n int) {
	s.stats.Lost += uint64(n)
	s.next += uint16(n)
	s.seen <<= min(n, 64)
	s.gap = true
}

func (s *Sequencer) deliver(p Packet) {
	p.Lost, s.gap = s.gap, false
	s.next++
	s.seen = s.seen<<1 | 1
	s.out = append(s.out, p)
}
