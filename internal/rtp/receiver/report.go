package receiver

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/pion/rtp"
)

// Stats are the figures of a source.
type Stats struct {
	// Received counts all packets that came, Lost those given up, Duplicate those that came twice, Late those
	// that came when their turn was over or belong to another source, Reordered those that were early.
	Received, Lost, Duplicate, Late, Reordered uint64
	// Jitter is the mean deviation of the distance of packets, in ticks of the clock (RFC 3550, 6.4.1).
	Jitter uint32
	// Highest is the highest sequence number that came, with its cycles in the upper 16 bits.
	Highest uint32
}

// statistics are what reports are made of (RFC 3550, A.3 and A.8).
type statistics struct {
	stats   Stats
	base    uint32 // of Highest when the source began
	jitter  float64
	transit int64
	timed   bool

	expectedBefore, lostBefore uint32

	senderNTP  uint64
	senderTime time.Time
}

func (s *statistics) startStatistics(first uint16) {
	s.base = uint32(first)
	s.stats.Highest = uint32(first)
	s.timed = false
	s.expectedBefore, s.lostBefore = 0, 0
}

// Stats returns the figures so far.
func (s *Sequencer) Stats() Stats {
	st := s.stats
	st.Jitter = uint32(s.jitter)
	return st
}

// measure takes account of a packet that was not too late.
func (s *Sequencer) measure(h *rtp.Header, now time.Time) {
	if step := int16(h.SequenceNumber - uint16(s.stats.Highest)); step > 0 {
		s.stats.Highest += uint32(step)
	}
	if s.cfg.ClockRate <= 0 {
		return
	}
	arrival := now.Unix()*int64(s.cfg.ClockRate) + int64(now.Nanosecond())*int64(s.cfg.ClockRate)/int64(time.Second)
	transit := arrival - int64(h.Timestamp)
	if d := int64(int32(transit - s.transit)); s.timed {
		s.jitter += (float64(max(d, -d)) - s.jitter) / 16
	}
	s.transit, s.timed = transit, true
}

// SenderReport notes the stamps of a sender report: what the next receiver report refers to.
func (s *Sequencer) SenderReport(ntp uint64, _ uint32, now time.Time) {
	s.senderNTP, s.senderTime = ntp, now
}

// AppendReceiverReport appends a compound RTCP packet: a receiver report (RFC 3550, 6.4.2) about the source, and
// a name (6.5). It appends nothing before a packet has come.
func (s *Sequencer) AppendReceiverReport(dst []byte, local uint32, now time.Time) []byte {
	if !s.begun {
		return dst
	}
	expected := s.stats.Highest - s.base + 1
	lost := uint32(min(s.stats.Lost, 0x7fffff))
	fraction := uint32(0)
	if interval := expected - s.expectedBefore; interval > 0 && lost > s.lostBefore {
		fraction = min((lost-s.lostBefore)<<8/interval, 255)
	}
	s.expectedBefore, s.lostBefore = expected, lost
	dst = append(dst, 0x81, 201, 0, 7)
	dst = binary.BigEndian.AppendUint32(dst, local)
	dst = binary.BigEndian.AppendUint32(dst, s.ssrc)
	dst = binary.BigEndian.AppendUint32(dst, fraction<<24|lost)
	dst = binary.BigEndian.AppendUint32(dst, s.stats.Highest)
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.jitter))
	since := uint32(0)
	if s.senderNTP != 0 {
		// 65536ths of a second, which end after 18 hours.
		since = uint32(min(max(now.Sub(s.senderTime).Seconds(), 0)*65536, math.MaxUint32))
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(s.senderNTP>>16))
	dst = binary.BigEndian.AppendUint32(dst, since)
	dst = append(dst, 0x81, 202, 0, 4)
	dst = binary.BigEndian.AppendUint32(dst, local)
	return append(dst, 1, 6, 's', 'l', 'u', 'i', 'c', 'e', 0, 0, 0, 0)
}
