package segment_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/segment"
	"github.com/sluice-media/sluice/media"
)

const ms = time.Millisecond

// told is a sink that keeps what it is told, and holds it to the rules.
type told struct {
	t        *testing.T
	segments []*segment.Segment
	open     *segment.Segment
	parts    int
}

func (s *told) Begin(x *segment.Segment) {
	require.Nil(s.t, s.open)
	require.Empty(s.t, x.Parts)
	s.open, s.parts = x, 0
}

func (s *told) Part(x *segment.Segment, p *segment.Part) {
	require.Same(s.t, s.open, x)
	require.Same(s.t, p, x.Parts[s.parts])
	s.parts++
}

func (s *told) End(x *segment.Segment) {
	require.Same(s.t, s.open, x)
	s.open = nil
	require.EqualValues(s.t, len(s.segments), x.Number)
	require.Len(s.t, x.Parts, s.parts)
	require.NotEmpty(s.t, x.Parts)
	lasts := time.Duration(0)
	for _, p := range x.Parts {
		lasts += p.Duration
	}
	require.Equal(s.t, x.Duration, lasts)
	require.Equal(s.t, x.Independent, x.Parts[0].Independent)
	s.segments = append(s.segments, x)
}

// String tells of the segments: start+duration in ms, "i" if independent, "d" at a discontinuity, and the durations of
// several parts.
func (s *told) String() string {
	var b bytes.Buffer
	for _, x := range s.segments {
		fmt.Fprintf(&b, "%d+%d", x.Start/ms, x.Duration/ms)
		if x.Independent {
			b.WriteByte('i')
		}
		if x.Discontinuity {
			b.WriteByte('d')
		}
		if len(x.Parts) > 1 {
			for _, p := range x.Parts {
				fmt.Fprintf(&b, "/%d", p.Duration/ms)
				if p.Independent {
					b.WriteByte('i')
				}
			}
		}
		b.WriteByte(' ')
	}
	return b.String()
}

// film writes pictures from..to, one each 40 ms, of which every keyth is a key frame.
func film(c *segment.Cutter, from, to, key int, lasts time.Duration) {
	for i := from; i < to; i++ {
		m := media.Chunk{Key: i%key == 0, DTS: time.Duration(i) * 40 * ms, Duration: lasts, Data: fmt.Appendf(nil, "<%d>", i)}
		if i == from {
			m.Header = []byte("init")
		}
		c.Write(m)
	}
}

// write writes chunks at times in ms that last so many.
func write(c *segment.Cutter, lasts time.Duration, at ...time.Duration) {
	for _, t := range at {
		c.Write(media.Chunk{DTS: t * ms, Duration: lasts * ms, Data: []byte("x")})
	}
}

func TestCuts(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   segment.Config
		feed  func(*segment.Cutter)
		wants string
	}{
		{
			"at the first key frame after the target",
			segment.Config{Target: 2000 * ms, Longest: 4000 * ms},
			func(c *segment.Cutter) { film(c, 0, 130, 30, 40*ms) }, "0+2400i 2400+2400i 4800+400i ",
		},
		{
			"without durations",
			segment.Config{Target: 2000 * ms, Longest: 4000 * ms},
			func(c *segment.Cutter) { film(c, 0, 130, 30, 0) }, "0+2400i 2400+2400i 4800+400i ",
		},
		{
			"where there is no key frame",
			segment.Config{Target: 2000 * ms, Longest: 4000 * ms},
			func(c *segment.Cutter) { film(c, 0, 260, 250, 40*ms) }, "0+4000i 4000+4000 8000+2000 10000+400i ",
		},
		{
			"into parts",
			segment.Config{Target: 1000 * ms, Longest: 4000 * ms, Part: 500 * ms},
			func(c *segment.Cutter) { film(c, 0, 65, 30, 40*ms) },
			"0+1200i/480i/480/240 1200+1200i/480i/480/240 2400+200i ",
		},
		{
			"into parts, without durations",
			segment.Config{Target: 1000 * ms, Longest: 4000 * ms, Part: 500 * ms},
			func(c *segment.Cutter) { film(c, 0, 65, 30, 0) },
			"0+1200i/480i/480/240 1200+1200i/480i/480/240 2400+200i ",
		},
		{
			"at chunks that are longer than all that",
			segment.Config{Target: 1000 * ms, Longest: 2000 * ms, Part: 500 * ms},
			func(c *segment.Cutter) {
				for i := range 4 {
					c.Write(media.Chunk{Key: i == 0, DTS: time.Duration(i) * 1500 * ms, Duration: 1500 * ms, Data: []byte("x")})
				}
			}, "0+1500i 1500+1500 3000+1500 4500+1500 ",
		},
		{
			"at chunks that are longer than a part, whose stamps are rounded",
			segment.Config{Target: 1000 * ms, Longest: 2000 * ms, Part: 500 * ms},
			func(c *segment.Cutter) {
				for i := range 4 {
					at := time.Duration(i) * 533333 * time.Microsecond
					c.Write(media.Chunk{Key: i%2 == 0, DTS: at, Duration: 533322 * time.Microsecond, Data: []byte("x")})
				}
			}, "0+1066i/533i/533 1066+1066i/533i/533 ",
		},
		{
			"where another publisher goes on",
			segment.Config{Target: 2000 * ms, Longest: 4000 * ms},
			func(c *segment.Cutter) {
				film(c, 0, 10, 30, 40*ms)
				c.Write(media.Chunk{Resumed: true, Key: true, DTS: 400 * ms, Duration: 40 * ms, Data: []byte("x")})
			}, "0+400i 400+40id ",
		},
		{
			"where the stamps jump",
			segment.Config{Target: 2000 * ms, Longest: 4000 * ms},
			func(c *segment.Cutter) {
				for _, at := range []time.Duration{1000, 1040, 6000, 6040, 20} {
					c.Write(media.Chunk{Key: true, DTS: at * ms, Duration: 40 * ms, Data: []byte("x")})
				}
			}, "1000+80i 6000+80id 20+40id ",
		},
		{
			"where the stream stood still",
			segment.Config{Target: 1000 * ms, Longest: 2000 * ms, Part: 500 * ms},
			func(c *segment.Cutter) {
				film(c, 0, 20, 30, 40*ms)
				write(c, 40, 2100, 2140)
			}, "0+800i/480i/320 2100+80d ",
		},
		{
			"where the stream stood still, and what came before is said to last until it goes on",
			segment.Config{Target: 1000 * ms, Longest: 2000 * ms, Part: 500 * ms},
			func(c *segment.Cutter) {
				film(c, 0, 20, 30, 40*ms)
				write(c, 1300, 800)
				write(c, 40, 2100, 2140)
			}, "0+840i/480i/360 2100+80d ",
		},
		{
			"where the stream stood still, without durations",
			segment.Config{Target: 2000 * ms, Longest: 2000 * ms},
			func(c *segment.Cutter) {
				film(c, 0, 30, 30, 0)
				write(c, 0, 2500, 2540)
			}, "0+1200i 2500+80d ",
		},
		{
			"behind a single picture",
			segment.Config{Target: 2000 * ms, Longest: 2000 * ms},
			func(c *segment.Cutter) {
				write(c, 0, 1000)
				c.Cut()
				write(c, 0, 1033, 1066)
			}, "1000+40 1040+59 ",
		},
		{
			"where pictures are missing",
			segment.Config{Target: 1000 * ms, Longest: 2000 * ms, Part: 200 * ms},
			func(c *segment.Cutter) {
				write(c, 40, 0, 40, 80, 120)
				write(c, 80, 160)
				write(c, 40, 240, 280)
			}, "0+320/160/160 ",
		},
		{
			"where chunks are shorter than they are apart, and longer",
			segment.Config{Target: 1000 * ms, Longest: 2000 * ms, Part: 100 * ms},
			func(c *segment.Cutter) {
				write(c, 40, 0, 40, 95, 135, 170, 210)
			}, "0+250/80/95/75 ",
		},
		{
			"where the reader has lost something",
			segment.Config{Target: 2000 * ms, Longest: 4000 * ms},
			func(c *segment.Cutter) {
				film(c, 0, 10, 30, 40*ms)
				film(c, 30, 40, 30, 40*ms)
			}, "0+400i 1200+400id ",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			sink := &told{t: t}
			cutter := segment.NewCutter(c.cfg, sink)
			c.feed(cutter)
			cutter.Cut()
			cutter.Cut() // once more does nothing
			require.Nil(t, sink.open)
			require.Equal(t, c.wants, sink.String())
		})
	}
}

// A part that has no room for another chunk is told of at once, also when it is the first.
func TestFullPartIsToldAtOnce(t *testing.T) {
	sink := &told{t: t}
	cutter := segment.NewCutter(segment.Config{Target: 1000 * ms, Longest: 4000 * ms, Part: 500 * ms}, sink)
	for i := range 3 {
		cutter.Write(media.Chunk{Key: i == 0, DTS: time.Duration(i) * 500 * ms, Duration: 500 * ms, Data: []byte("x")})
		require.Equal(t, i+1, sink.parts)
	}
}

// All bytes are in the segments once and in order, and no segment is longer than it may be.
func TestNothingIsLost(t *testing.T) {
	for _, part := range []time.Duration{0, 300 * ms, 500 * ms} {
		sink := &told{t: t}
		cutter := segment.NewCutter(segment.Config{Target: 1500 * ms, Longest: 2000 * ms, Part: part}, sink)
		film(cutter, 0, 1000, 70, 40*ms)
		cutter.Cut()
		var all, wants []byte
		for _, x := range sink.segments {
			require.LessOrEqual(t, x.Duration, 2000*ms)
			for i, p := range x.Parts {
				all = append(all, p.Data...)
				if part > 0 {
					require.LessOrEqual(t, p.Duration, part)
					require.True(t, i == len(x.Parts)-1 || p.Duration >= part*85/100, "RFC 8216bis, 4.4.4.9")
				}
			}
		}
		for i := range 1000 {
			wants = fmt.Appendf(wants, "<%d>", i)
		}
		require.Equal(t, string(wants), string(all))
	}
}

// Segments name what decoders need, which changes with the description only.
func TestInit(t *testing.T) {
	sink := &told{t: t}
	cutter := segment.NewCutter(segment.Config{Target: 1000 * ms, Longest: 4000 * ms}, sink)
	film(cutter, 0, 60, 30, 40*ms)
	cutter.Write(media.Chunk{Change: true, DTS: 2400 * ms, Data: []byte("other")})
	cutter.Write(media.Chunk{Key: true, DTS: 2400 * ms, Duration: 40 * ms, Data: []byte("x")})
	cutter.Cut()
	require.Equal(t, "0+1200i 1200+1200i 2400+40id ", sink.String())
	a, b, c := sink.segments[0].Init, sink.segments[1].Init, sink.segments[2].Init
	require.Same(t, a, b)
	require.Equal(t, segment.Init{Number: 0, Data: []byte("init")}, *a)
	require.Equal(t, segment.Init{Number: 1, Data: []byte("other")}, *c)
	require.Equal(t, "x", string(sink.segments[2].Parts[0].Data))
}

// A segment of a transport stream that begins without a key frame has tables, too.
func TestTables(t *testing.T) {
	sink := &told{t: t}
	cutter := segment.NewCutter(segment.Config{Target: 1000 * ms, Longest: 1000 * ms, Tables: func(b []byte) []byte { return b[:2] }}, sink)
	for i := range 60 {
		data := "x"
		if i == 0 {
			data = "PTx"
		}
		cutter.Write(media.Chunk{Key: i == 0, DTS: time.Duration(i) * 40 * ms, Data: []byte(data)})
	}
	cutter.Cut()
	require.Len(t, sink.segments, 3)
	for _, x := range sink.segments {
		require.True(t, bytes.HasPrefix(x.Parts[0].Data, []byte("PTx")), string(x.Parts[0].Data))
		require.Nil(t, x.Init)
	}
}

func TestName(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC)
	require.Equal(t, "2026-03-04/05/06-07_12.ts", segment.Name(at, 12, ".ts"))
}
