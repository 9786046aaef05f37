// Package dialect writes program streams as devices of GB/T 28181 do, one quirk at a time, for the tests of what receives them. It shares
// nothing with the muxer, which goes by the book.
package dialect

import (
	"time"

	"github.com/sluice-media/sluice/media"
)

// Dialect is how a device writes program streams.
type Dialect struct {
	// Name says what is special about it.
	Name string
	// NoMap is whether nothing tells which codecs there are: H.264, H.265, AAC and G.711A are found out.
	NoMap bool
	// ByRTP is whether there are no stamps but those of RTP.
	ByRTP bool
	// NoDTS is whether pictures have no DTS, so that they have to be shown in the order in which they are decoded.
	NoDTS bool
	// Loose is whether sound and pictures have clocks of their own: how far they are apart is only known by when they come.
	Loose bool
	// NoPictures and NoSound are whether those are not taken, as their codec is none of ours.
	NoPictures, NoSound bool
	// LeftOut is what of it is not taken, by a part of its name; empty if all is.
	LeftOut string

	set func(*device)
}

// Run is what a device puts into RTP packets with one stamp.
type Run struct {
	// At is that stamp.
	At   time.Duration
	Data []byte
}

// Takes reports whether a track comes through.
func (d *Dialect) Takes(t *media.Track) bool {
	if t.Codec.Video() {
		return !d.NoPictures
	}
	return !d.NoSound
}

// Write returns what a device sends of packets of H.264 or H.265, and of AAC, MP3 or G.711, in the order in which they are given. They come
// when they are to be decoded, by RTP.
func (d *Dialect) Write(tracks []*media.Track, packets []*media.Packet) []Run {
	w := &device{
		tracks: tracks, pack: pack2, system: atKeys, programMap: atKeys, checksum: right, stamped: always, dts: !d.NoDTS, largest: 60_000,
		videoID: 0xe0, soundID: 0xc0, startCode: []byte{0, 0, 0, 1}, clock: 5 * time.Second, soundClock: 5 * time.Second, each: 1,
	}
	d.set(w)
	for i, p := range packets {
		if p.Track.Codec.Video() {
			w.picture(p, lastOf(packets[i+1:]))
		} else {
			w.sound(p)
		}
	}
	return w.runs
}

// lastOf reports whether there are no more pictures.
func lastOf(packets []*media.Packet) bool {
	for _, p := range packets {
		if p.Track.Codec.Video() {
			return false
		}
	}
	return true
}
