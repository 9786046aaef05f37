package mp4

import (
	"io"
	"time"

	"github.com/sluice-media/sluice/media"
)

// Cursor reads the packets of a file. It is for one goroutine.
type Cursor struct {
	file      *File
	positions []position
}

// Cursor returns one that is at the beginning.
func (f *File) Cursor() *Cursor {
	c := &Cursor{file: f, positions: make([]position, len(f.tracks))}
	for i, t := range f.tracks {
		c.positions[i].track = t
		c.positions[i].seek(0)
	}
	return c
}

// ReadPacket returns the next packet of all tracks in decoding order, and io.EOF behind the last. Its data is not shared.
func (c *Cursor) ReadPacket() (*media.Packet, error) {
	for {
		p := c.earliest()
		if p == nil {
			return nil, io.EOF
		}
		size, entry := p.size(), p.entry()
		pkt := &media.Packet{Track: entry.track, DTS: p.decoded() + c.file.shift, PTS: p.shown() + c.file.shift}
		pkt.Key = entry.track.Codec.Video() && p.sync()
		at := p.at
		p.next()
		if size == 0 {
			continue
		}
		data := make([]byte, size)
		if err := readFull(c.file.r, data, at); err != nil {
			return nil, err
		}
		if pkt.Data = entry.packet(data); len(pkt.Data) > 0 {
			return pkt, nil
		}
	}
}

// earliest returns the track whose next sample is decoded first.
func (c *Cursor) earliest() (first *position) {
	for i := range c.positions {
		p := &c.positions[i]
		if !p.end() && (first == nil || p.decoded() < first.decoded()) {
			first = p
		}
	}
	return first
}

// Seek goes on at the last key frame of the first video track that is decoded not after a time, or at the first key frame if
// there is none, and returns when that is. Other tracks go on with the first that is not before it. Without video it goes to
// the sound at that time.
func (c *Cursor) Seek(at time.Duration) time.Duration {
	lead := &c.positions[0]
	for i := range c.positions {
		if c.positions[i].track == c.file.lead() {
			lead = &c.positions[i]
		}
	}
	table := &lead.track.table
	if table.samples == 0 {
		return 0
	}
	at = max(min(at, c.file.duration), 0)
	lead.seek(table.syncBefore(table.at(lead.units(at - c.file.shift))))
	begins := lead.decoded()
	for i := range c.positions {
		if p := &c.positions[i]; p != lead {
			p.seekFrom(begins)
		}
	}
	return begins + c.file.shift
}
