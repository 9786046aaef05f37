package receiver

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
)

func pkt(seq uint16) rtp.Packet {
	return rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: seq, SSRC: 1, Timestamp: uint32(seq) * 3600}}
}

var t0 = time.Unix(1_700_000_000, 0)

func push(s *Sequencer, now time.Time, seqs ...uint16) (got []int) {
	for _, q := range seqs {
		for _, p := range s.Push(pkt(q), now) {
			n := int(p.SequenceNumber)
			if p.Lost {
				n = -n
			}
			got = append(got, n)
		}
	}
	return got
}

func TestSequencer(t *testing.T) {
	for name, c := range map[string]struct {
		reorder int
		in      []uint16
		want    []int
		stats   Stats
	}{
		"in order":        {8, []uint16{1, 2, 3}, []int{1, 2, 3}, Stats{Received: 3}},
		"wrap":            {8, []uint16{65534, 65535, 0, 1}, []int{65534, 65535, 0, 1}, Stats{Received: 4}},
		"swapped":         {8, []uint16{1, 3, 2, 4}, []int{1, 2, 3, 4}, Stats{Received: 4, Reordered: 1}},
		"wrap swapped":    {8, []uint16{65535, 1, 0, 2}, []int{65535, 0, 1, 2}, Stats{Received: 4, Reordered: 1}},
		"twice":           {8, []uint16{1, 2, 2, 3}, []int{1, 2, 3}, Stats{Received: 4, Duplicate: 1}},
		"twice held":      {8, []uint16{1, 3, 3, 2}, []int{1, 2, 3}, Stats{Received: 4, Duplicate: 1, Reordered: 1}},
		"lost":            {4, []uint16{1, 3, 4, 5, 6, 7}, []int{1, -3, 4, 5, 6, 7}, Stats{Received: 6, Lost: 1, Reordered: 3}},
		"too late":        {4, []uint16{1, 3, 4, 5, 6, 2, 7}, []int{1, -3, 4, 5, 6, 7}, Stats{Received: 7, Lost: 1, Late: 1, Reordered: 3}},
		"TCP":             {0, []uint16{1, 3, 4}, []int{1, -3, 4}, Stats{Received: 3, Lost: 1}},
		"TCP jump":        {0, []uint16{1, 2000, 2001}, []int{1, -2000, 2001}, Stats{Received: 3, Lost: 1998}},
		"wild":            {8, []uint16{1, 30000, 2}, []int{1, 2}, Stats{Received: 3, Late: 1}},
		"wild, confirmed": {8, []uint16{1, 30000, 30001, 30002}, []int{1, -30001, 30002}, Stats{Received: 4, Late: 1}},
		"far":             {4, []uint16{1, 100, 101}, []int{1, -100, 101}, Stats{Received: 3, Lost: 98}},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSequencer(SequencerConfig{Reorder: c.reorder})
			got := push(s, t0, c.in...)
			if name == "far" {
				for _, p := range s.Flush(t0.Add(time.Second)) {
					n := int(p.SequenceNumber)
					if p.Lost {
						n = -n
					}
					got = append(got, n)
				}
			}
			require.Equal(t, c.want, got)
			st := s.Stats()
			st.Highest = 0
			if name == "far" {
				st.Reordered = 0
			}
			require.Equal(t, c.stats, st)
		})
	}
}

func TestFlush(t *testing.T) {
	s := NewSequencer(SequencerConfig{Reorder: 8})
	require.Equal(t, []int{1}, push(s, t0, 1, 4, 5))
	require.Empty(t, s.Flush(t0.Add(100*time.Millisecond)))
	got := s.Flush(t0.Add(200 * time.Millisecond))
	require.Len(t, got, 2)
	require.True(t, got[0].Lost)
	require.EqualValues(t, 2, s.Stats().Lost)
}

func TestReceiverReport(t *testing.T) {
	s := NewSequencer(SequencerConfig{ClockRate: 90000, Reorder: 4})
	require.Empty(t, s.AppendReceiverReport(nil, 7, t0))
	for i := range 100 {
		if i%10 == 9 && i < 90 {
			continue
		}
		p := pkt(uint16(65500 + i))
		p.Timestamp = uint32(i * 3600)
		s.Push(p, t0.Add(time.Duration(i)*40*time.Millisecond))
	}
	s.SenderReport(0x0123456789abcdef, 1, t0.Add(time.Second))
	list, err := rtcp.Unmarshal(s.AppendReceiverReport(nil, 7, t0.Add(3*time.Second)))
	require.NoError(t, err)
	require.Len(t, list, 2)
	rr := list[0].(*rtcp.ReceiverReport)
	require.EqualValues(t, 7, rr.SSRC)
	r := rr.Reports[0]
	require.EqualValues(t, 1, r.SSRC)
	require.EqualValues(t, 9, r.TotalLost)
	require.EqualValues(t, 9*256/100, r.FractionLost)
	require.EqualValues(t, 1<<16|uint32(63), r.LastSequenceNumber)
	require.EqualValues(t, 0x456789ab, r.LastSenderReport)
	require.EqualValues(t, 2*65536, r.Delay)
	require.Less(t, r.Jitter, uint32(5))
	for since, want := range map[time.Duration]uint32{18 * time.Hour: 18 * 3600 * 65536, 19 * time.Hour: 1<<32 - 1, 49 * 24 * time.Hour: 1<<32 - 1} {
		report := s.AppendReceiverReport(nil, 7, t0.Add(time.Second+since))
		require.Equal(t, want, binary.BigEndian.Uint32(report[28:]), "%v after the sender report", since)
	}
	require.Equal(t, "sluice", list[1].(*rtcp.SourceDescription).Chunks[0].Items[0].Text)
}

func ntpOf(at time.Duration) uint64 {
	s := at + 3_900_000_000*time.Second
	return uint64(s/time.Second)<<32 | uint64(s%time.Second)<<32/uint64(time.Second)
}

func TestClockOfReports(t *testing.T) {
	c := NewClock()
	v, a := c.AddTrack(90000, true), c.AddTrack(48000, false)
	first := uint32(0xfffff000)
	c.SenderReport(v, ntpOf(0), 0xfffff000)
	c.SenderReport(a, ntpOf(0), 100)
	require.Zero(t, c.At(v, 0xfffff000, t0))
	at := c.At(a, 100+4800, t0.Add(70*time.Millisecond)) // arrives early
	require.InDelta(t, 100*time.Millisecond, at, float64(time.Microsecond))
	require.Equal(t, time.Second, c.At(v, first+90000, t0.Add(time.Second)).Round(time.Microsecond))
	require.Equal(t, 960*time.Millisecond, c.At(v, first+86400, t0.Add(time.Second)).Round(time.Microsecond), "back")
}

func TestClockOfLateReports(t *testing.T) {
	c := NewClock()
	v, a := c.AddTrack(90000, true), c.AddTrack(8000, false)
	var video, audio time.Duration
	for i := range 500 {
		now := t0.Add(time.Duration(i) * 20 * time.Millisecond)
		video = c.At(v, uint32(i*1800), now)
		audio = c.At(a, uint32(i*160), now.Add(15*time.Millisecond)) // is late, but belongs to the picture
		if i == 200 {
			require.Equal(t, 15*time.Millisecond, audio-video)
			c.SenderReport(a, ntpOf(time.Duration(i)*20*time.Millisecond), uint32(i*160))
			c.SenderReport(v, ntpOf(time.Duration(i)*20*time.Millisecond), uint32(i*1800))
		}
	}
	require.InDelta(t, 0, audio-video, float64(time.Millisecond))
}

// Audio that began before the pictures is moved; the pictures keep their distances.
func TestClockMovesAudioOnly(t *testing.T) {
	c := NewClock()
	a, v := c.AddTrack(8000, false), c.AddTrack(90000, true)
	var video, audio time.Duration
	for i := range 300 {
		now := t0.Add(time.Duration(i) * 20 * time.Millisecond)
		audio = c.At(a, uint32(i*160), now)
		at := c.At(v, uint32(i*1800), now.Add(15*time.Millisecond))
		if i > 0 {
			require.Equal(t, 20*time.Millisecond, at-video)
		}
		video = at
		if i == 5 {
			c.SenderReport(v, ntpOf(time.Duration(i)*20*time.Millisecond), uint32(i*1800))
			c.SenderReport(a, ntpOf(time.Duration(i)*20*time.Millisecond), uint32(i*160))
		}
	}
	require.Equal(t, audio, video)
}

// Timestamps wrap every 13 or 24 hours, and nothing is lost by that in weeks.
func TestClockOfWeeks(t *testing.T) {
	c := NewClock()
	v, a := c.AddTrack(90000, true), c.AddTrack(48000, false)
	const step = 6 * time.Hour
	for i := range 8 * 7 * 4 {
		at := time.Duration(i) * step
		ticks := int64(at / time.Second)
		require.Equal(t, at, c.At(v, uint32(ticks*90000)+0xfffffff0, t0.Add(at)))
		require.Equal(t, at, c.At(a, uint32(ticks*48000)+7, t0.Add(at)))
		c.SenderReport(v, ntpOf(at), uint32(ticks*90000)+0xfffffff0)
		c.SenderReport(a, ntpOf(at), uint32(ticks*48000)+7)
		require.WithinDuration(t, time.Unix(3_900_000_000-ntpEpoch, 0).Add(at), c.NTP(a, uint32(ticks*48000)+7), time.Microsecond)
	}
}

func TestClockOfNonsense(t *testing.T) {
	c := NewClock()
	v, a := c.AddTrack(90000, true), c.AddTrack(8000, false)
	c.At(v, 5, t0)
	c.At(a, 7, t0)
	c.SenderReport(v, 0, 0)
	c.SenderReport(v, 1<<63, 0)
	c.SenderReport(a, 5<<32, 1<<31)
	require.Equal(t, time.Second, c.At(a, 8007, t0.Add(time.Second)))
}

func TestDecoding(t *testing.T) {
	ms := time.Millisecond
	for name, c := range map[string]struct {
		depth int
		pts   []int // in pictures
	}{
		"IPPP":    {0, []int{0, 1, 2, 3, 4, 5}},
		"IBBP":    {1, []int{0, 3, 1, 2, 6, 4, 5, 9, 7, 8}},
		"pyramid": {2, []int{0, 4, 2, 1, 3, 8, 6, 5, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			d := NewDecoding(c.depth, true, 40*ms)
			last := -time.Hour
			for i, n := range c.pts {
				pts := time.Duration(n) * 40 * ms
				dts := d.DTS(pts)
				require.LessOrEqual(t, dts, pts)
				require.Greater(t, dts, last)
				require.Equal(t, time.Duration(i-c.depth)*40*ms, dts)
				last = dts
			}
		})
	}
}

func TestDecodingLearns(t *testing.T) {
	d := NewDecoding(0, false, 0)
	last := -time.Hour
	for gop := range 5 {
		for _, n := range []int{0, 4, 2, 1, 3, 8, 6, 5, 7} {
			pts := time.Duration(gop*9+n) * 40 * time.Millisecond
			dts := d.DTS(pts)
			require.Greater(t, dts, last)
			if gop > 0 {
				require.LessOrEqual(t, dts, pts)
			}
			last = dts
		}
	}
	require.Equal(t, 2, d.depth)
	require.Equal(t, 100*time.Second-80*time.Millisecond, d.DTS(100*time.Second))
}

func FuzzSequencer(f *testing.F) {
	f.Add(uint64(1), 8)
	f.Fuzz(func(t *testing.T, seed uint64, reorder int) {
		r := rand.New(rand.NewPCG(seed, 0))
		s := NewSequencer(SequencerConfig{ClockRate: 90000, Reorder: reorder & 127})
		next, now := uint16(r.Uint32()), t0
		last, begun := uint16(0), false
		check := func(list []Packet) {
			for _, p := range list {
				if begun {
					step := int16(p.SequenceNumber - last)
					require.True(t, p.Lost || step == 1)
				}
				last, begun = p.SequenceNumber, true
			}
		}
		for range 300 {
			now = now.Add(time.Duration(r.IntN(50)) * time.Millisecond)
			switch r.IntN(10) {
			case 0:
				next = uint16(r.Uint32())
			case 1:
				next += uint16(r.IntN(20))
			case 2:
				next -= uint16(r.IntN(20))
			case 3:
				check(s.Flush(now))
			}
			next++
			check(s.Push(pkt(next), now))
		}
		_ = s.AppendReceiverReport(nil, 1, now)
	})
}

func FuzzClock(f *testing.F) {
	f.Add(90000, uint64(1), uint32(2), uint64(3), uint32(4))
	f.Fuzz(func(_ *testing.T, rate int, ntp1 uint64, stamp1 uint32, ntp2 uint64, stamp2 uint32) {
		c := NewClock()
		a, b := c.AddTrack(rate, true), c.AddTrack(8000, false)
		c.SenderReport(a, ntp1, stamp1)
		for i := range uint32(4) {
			c.At(a, stamp1*i, t0)
			c.At(b, stamp2*i, t0.Add(time.Second))
			c.SenderReport(b, ntp2, stamp2)
			c.SenderReport(a, ntp2, stamp1)
			c.NTP(a, stamp2)
			c.NTP(b, stamp1)
		}
	})
}

func FuzzDecoding(f *testing.F) {
	f.Add(2, true, uint64(1))
	f.Fuzz(func(t *testing.T, depth int, known bool, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 1))
		d := NewDecoding(depth, known, time.Duration(r.Uint32()))
		last, at := time.Duration(0), time.Duration(0)
		for i := range 200 {
			at += time.Duration(r.IntN(400)-150) * time.Millisecond
			dts := d.DTS(at)
			if i > 0 && d.begun && len(d.window) > 1 {
				_ = last
			}
			require.LessOrEqual(t, len(d.window), maxDepth+1)
			last = dts
		}
	})
}

// What is held back is what came, though the memory that it came in has other bytes by then.
func TestSequencerCopies(t *testing.T) {
	s := NewSequencer(SequencerConfig{Reorder: 8})
	read := make([]byte, 1) // all packets come in it
	var got []byte
	take := func(packets []Packet) {
		for _, p := range packets {
			got = append(got, p.Payload...)
		}
	}
	for _, seq := range []uint16{1, 3, 5, 4, 2, 6, 9} {
		p := pkt(seq)
		read[0] = byte(seq)
		p.Payload = read
		take(s.Push(p, t0))
	}
	read[0] = 0
	take(s.Flush(t0.Add(time.Second)))
	require.Equal(t, []byte{1, 2, 3, 4, 5, 6, 9}, got)
}

// Nothing is kept of packets that were returned, and no room for what may have to wait until something has to.
func TestSequencerMemory(t *testing.T) {
	s := NewSequencer(SequencerConfig{Reorder: 128})
	read := []byte{1}
	give := func(seq uint16) []Packet {
		p := pkt(seq)
		p.Payload = read
		return s.Push(p, t0)
	}
	give(1)
	give(2)
	require.Nil(t, s.held)
	give(5)
	give(4)
	require.Len(t, s.held, 128)
	out := give(3)
	require.Len(t, out, 3)
	give(6)
	require.Len(t, give(7), 1)
	for _, p := range out[1:] {
		require.Nil(t, p.Payload)
	}
}

func BenchmarkPush(b *testing.B) {
	b.ReportAllocs()
	s := NewSequencer(SequencerConfig{ClockRate: 90000, Reorder: 64})
	for i := range b.N {
		s.Push(pkt(uint16(i)), t0)
	}
}
