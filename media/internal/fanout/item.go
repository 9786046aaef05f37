package fanout

import "time"

// Item is what a log of wire bytes holds: one muxed packet, or several.
type Item struct {
	// DTS is that of the packet, and Duration how long it lasts, 0 if that is not known.
	DTS, Duration time.Duration
	// Intro is what a reader needs in front of the item if it begins here. Nil for items that are no start.
	Intro *Intro

	mem      []byte // the segment it lies in
	off, end int    // there

	// Change says that the item is no media but what a muxer appends when the description changes, and Resumed that it is
	// the first of another publisher.
	Change, Resumed bool
}

// Intro is what comes in front of the first item that a reader gets.
type Intro struct {
	// Header is for a reader that begins.
	Header []byte
	// Change is for a reader that had another Intro before and goes on here.
	Change []byte
}

// Data returns the bytes, shared by all readers.
func (i *Item) Data() []byte { return i.mem[i.off:i.end:i.end] }

// follows reports whether i lies in memory right behind the item that ends at end in mem.
func (i *Item) follows(mem []byte, end int) bool {
	return i.off == end && len(mem) > 0 && &i.mem[0] == &mem[0]
}

const (
	firstSegment = 16 << 10
	maxSegment   = 64 << 10
)

// Arena gives the items of one log their memory: segments in which they lie one behind the other, so that
// several can be written as one. It is for the goroutine that writes the log.
type Arena struct {
	mem  []byte
	used int
	size int
}

// Tail returns an empty slice to append an item of about n bytes to; give what became of it to Item.
func (a *Arena) Tail(n int) []byte {
	if len(a.mem)-a.used < n {
		a.size = min(max(2*a.size, firstSegment), maxSegment)
		a.mem, a.used = make([]byte, max(a.size, n)), 0
	}
	return a.mem[a.used:a.used]
}

// Item returns the item of data, which was appended to what Tail returned.
func (a *Arena) Item(data []byte) Item {
	end := a.used + len(data)
	if len(data) > 0 && end <= len(a.mem) && &a.mem[a.used] == &data[0] {
		it := Item{mem: a.mem, off: a.used, end: end}
		a.used = end
		return it
	}
	// It has outgrown the segment and lies in memory of its own.
	return Item{mem: data, end: len(data)}
}
