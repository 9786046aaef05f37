package segment

import (
	"bytes"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Config says where to cut.
type Config struct {
	// Target is how long a segment is at least: it ends in front of the first chunk then with which a reader can begin.
	Target time.Duration
	// Longest is how long a segment is at most. Where no reader can begin for so long, the next segment cannot be decoded
	// without the one before. It is to be Target at least.
	Longest time.Duration
	// First is the number of the first segment.
	First uint64
	// Part is how long a part is at most, unless a chunk is longer. With 0 a segment is one part.
	Part time.Duration
	// Size is how many bytes a segment has at most, unless a chunk is larger; 0 for any number. Stamps that hardly step, or not
	// at all, never make a segment long.
	Size int
	// Tables returns what of a chunk with which a reader can begin has to be in front of all segments: the tables of
	// MPEG-TS. Nil is for formats that have an initialization segment.
	Tables func(start []byte) []byte
}

// slack is how much longer than Longest a segment may become when it is not known how long chunks last: one that is found to
// be too long only when the next chunk is there. Half a second is what the target duration is rounded by (RFC 8216, 4.3.3.1).
const slack = 400 * time.Millisecond

// chunk is one of a stream with what is known of it.
type chunk struct {
	media.Chunk
	end time.Duration // when it ends, as far as that is known
}

// Cutter makes segments of the chunks of a stream. It is for one goroutine at a time.
type Cutter struct {
	cfg  Config
	sink Sink

	current *Segment
	first   time.Duration // the DTS of its first chunk
	part    *Part
	pieces  [][]byte      // what is to be in the part
	size    int           // bytes of the current segment
	next    uint64        // the number of the next segment
	reached time.Duration // where the last part has ended
	init    *Init
	broken  bool          // the next segment does not follow from the one before
	start   []byte        // the newest chunk with which a reader can begin, for its tables
	last    chunk         // the newest, which ends last: sound may come after pictures that end later
	usual   time.Duration // how long chunks last
}

// NewCutter returns a cutter.
func NewCutter(cfg Config, sink Sink) *Cutter { return &Cutter{cfg: cfg, sink: sink, next: cfg.First} }

// Write takes the next chunk, as a [media.Reader] gives it.
func (c *Cutter) Write(m media.Chunk) {
	switch {
	case m.Change:
		c.interrupt(m.Data)
		return
	case m.Header != nil && (c.current != nil || c.begun()): // the reader has lost something
		c.interrupt(m.Header)
	case m.Header != nil:
		c.setInit(m.Header)
	case m.Resumed:
		c.interrupt(nil)
	}
	if len(m.Data) == 0 {
		return
	}
	c.add(chunk{m, m.DTS + c.lasts(m)})
}

// lasts returns how long a chunk lasts, 0 if that is not known. When the stream stood still, what came before lasts until it
// goes on: in a playlist that is no part of it, as there is nothing to play, and might make it longer than it may be.
func (c *Cutter) lasts(m media.Chunk) time.Duration {
	if m.Duration > c.limit() && c.usual > 0 && m.Duration > 2*c.usual {
		return c.usual
	}
	return min(max(m.Duration, 0), c.cfg.Longest)
}

// limit is how long what chunks are put into may be.
func (c *Cutter) limit() time.Duration {
	if c.cfg.Part > 0 {
		return c.cfg.Part
	}
	return c.cfg.Longest
}

// begun reports whether there has been a segment.
func (c *Cutter) begun() bool { return c.next > c.cfg.First }

// Cut ends the segment there is, if there is one: so that what has come can be had, or because nothing more comes. What comes
// then follows from it.
func (c *Cutter) Cut() { c.end(c.lastEnd()) }

// interrupt ends the segment, from which the next does not follow. header is what the next needs, if that is another.
func (c *Cutter) interrupt(header []byte) {
	c.end(c.lastEnd())
	c.broken = c.begun()
	c.setInit(header)
}

// setInit takes over what decoders need from now on. That formats with tables have in their chunks.
func (c *Cutter) setInit(header []byte) {
	if c.cfg.Tables != nil || len(header) == 0 || c.init != nil && bytes.Equal(c.init.Data, header) {
		return
	}
	number := 0
	if c.init != nil {
		number = c.init.Number + 1
	}
	c.init = &Init{Number: number, Data: bytes.Clone(header)}
}

// add puts a chunk into the segment that it belongs to.
func (c *Cutter) add(m chunk) {
	if m.Key && c.cfg.Tables != nil {
		c.start = m.Data
	}
	switch {
	case !c.begun():
	case c.jumps(m):
		c.interrupt(nil)
	case c.current == nil:
	case c.isDue(m):
		c.end(c.until(m))
	case c.part == nil:
	case c.cfg.Part > 0 && m.end-c.part.Start > c.cfg.Part, c.last.Duration == 0 && c.partIsFull(m.DTS-c.last.DTS, m.DTS):
		c.endPart(c.until(m)) // how long the last chunk is, or that this one is longer, is known only now
	}
	if c.current == nil {
		c.begin(m)
	}
	if c.part == nil {
		c.part = &Part{Start: c.reached}
		if len(c.current.Parts) == 0 && !m.Key && c.start != nil {
			c.put(c.cfg.Tables(c.start))
		}
	}
	c.part.Independent = c.part.Independent || m.Key
	c.put(m.Data)
	before := c.usual
	c.note(m)
	if before == 0 { // the first
		before = c.usual
	}
	if m.Duration > 0 && c.partIsFull(min(before, c.usual), m.end) { // a picture may be missing behind either
		c.endPart(m.end)
	}
}

// put puts bytes into the part.
func (c *Cutter) put(b []byte) {
	c.pieces = append(c.pieces, b)
	c.size += len(b)
}

// note remembers a chunk as the newest.
func (c *Cutter) note(m chunk) {
	switch {
	case m.Duration > 0:
		c.usual = m.end - m.DTS
	case c.last.DTS < m.DTS:
		c.usual = m.DTS - c.last.DTS
	}
	if m.Duration == 0 || c.last.Duration == 0 || m.end >= c.last.end {
		c.last = m
	}
}

// until returns where what came before a chunk ends, if the chunk follows from that.
func (c *Cutter) until(m chunk) time.Duration {
	if c.last.Duration > 0 {
		return c.last.end
	}
	return m.DTS
}

// squeezed is how far back chunks that say how long they last may begin: within that the muxer of fMP4 puts a sample behind the one
// before of its track, and sound may come in fragments of its own while the pictures are ahead of it.
const squeezed = time.Second

// rounded is how far behind the end of one chunk the next may begin that follows from it: durations and stamps are rounded to units of their own.
const rounded = time.Millisecond

// jumps reports whether the stamps do not lead to a chunk: they go back, or further than what it would belong to can last.
func (c *Cutter) jumps(m chunk) bool {
	switch {
	case m.Duration == 0 && m.DTS < c.first, m.DTS < c.first-squeezed:
		return true
	case c.last.Duration > 0:
		return m.DTS-c.last.end > rounded && m.end-c.last.end > c.limit()
	case m.DTS-c.last.DTS > c.cfg.Longest:
		return true
	}
	return c.current != nil && m.DTS-c.current.Start > c.cfg.Longest+slack
}

// isDue reports whether a segment ends in front of a chunk.
func (c *Cutter) isDue(m chunk) bool {
	if c.cfg.Size > 0 && c.size+len(m.Data) > c.cfg.Size {
		return true
	}
	length := m.DTS - c.current.Start
	if m.Key && (length >= c.cfg.Target || !c.current.Independent) {
		return true // the one that begins in the midst of a group ends with it, so that those to come do not
	}
	ends := m.end
	if m.Duration == 0 {
		ends = m.DTS + max(m.DTS-c.last.DTS, 0) // about
	}
	return length > 0 && ends-c.current.Start > c.cfg.Longest
}

// partIsFull reports whether the part, which ends at a time with a chunk of a duration, has no room for another such.
func (c *Cutter) partIsFull(chunk, end time.Duration) bool {
	return c.cfg.Part > 0 && end-c.part.Start+chunk > c.cfg.Part
}

// begin begins a segment with a chunk.
func (c *Cutter) begin(m chunk) {
	if !c.begun() || c.broken {
		c.reached, c.last = m.DTS, m
	}
	c.current = &Segment{Number: c.next, Start: c.reached, Independent: m.Key, Discontinuity: c.broken, Init: c.init}
	c.first = m.DTS
	c.next++
	c.broken = false
	c.sink.Begin(c.current)
}

// endPart ends the part at a time. Nothing is between it and the next.
func (c *Cutter) endPart(at time.Duration) {
	p := c.part
	if p == nil {
		return
	}
	c.part = nil
	p.Duration = max(at-p.Start, 0)
	c.reached = p.Start + p.Duration
	p.Data = bytes.Join(c.pieces, nil)
	clear(c.pieces)
	c.pieces = c.pieces[:0]
	c.current.Parts = append(c.current.Parts, p)
	c.sink.Part(c.current, p)
}

// end ends the segment, if there is one: at a time, if it has a part that has not ended before.
func (c *Cutter) end(at time.Duration) {
	s := c.current
	if s == nil {
		return
	}
	c.endPart(at)
	c.current, c.size = nil, 0
	s.Duration = c.reached - s.Start
	c.sink.End(s)
}

// picture is how long a chunk lasts of which nothing else is known.
const picture = 40 * time.Millisecond

// lastEnd is when the newest chunk ends, about if that is not known.
func (c *Cutter) lastEnd() time.Duration {
	switch {
	case c.last.Duration > 0:
		return c.last.end
	case c.usual > 0:
		return c.last.DTS + c.usual
	}
	return c.last.DTS + picture
}
