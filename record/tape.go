package record

import (
	"errors"
	"os"
	"time"

	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/media"
)

const (
	// fragment is how long a fragment of a recording is: what a crash costs at most is a second, with what is on its way.
	fragment = 500 * time.Millisecond
	// blockSize is how much of MPEG-TS is written at once, if it is not a fragment's time before.
	blockSize = 256 << 10
)

// container is the form of the files of a kind.
type container struct {
	suffix  string
	carries func(*media.Track) bool
	chunker func(*note) media.Chunker // without a note, if that is nil
	block   bool                      // chunks are small, and written several at once
}

// containerOf returns the form of a kind. Those of HLS are segmented besides.
func containerOf(k Kind) (container, bool) {
	switch k {
	case MP4, FMP4, HLSFMP4:
		return container{".mp4", fmp4.Carries, func(n *note) media.Chunker {
			o := fmp4.Options{Fragment: fragment}
			if n != nil {
				o.Extra = n.box()
			}
			return fmp4.New(o)
		}, false}, true
	case TS, HLS:
		return container{".ts", mpegts.Carries, func(*note) media.Chunker { return mpegts.NewMuxer() }, true}, true
	}
	return container{}, false
}

// tape is a file that is being written.
type tape struct {
	note
	form   container
	mux    media.Chunker
	disk   *disk
	path   string // while it is written
	final  string // when it is closed
	tracks map[int]*media.Track
	base   time.Duration // DTS of the stream where the file begins
	ends   time.Duration // of the newest packet
	block  []byte        // what is to be written
	since  time.Duration // DTS of the first in it
	spare  []byte
	looked time.Time // when the file was last seen to be there
	saved  bool      // media is in the file
	held   uint64    // packets that are not, yet
	err    error
}

// begin writes what a file begins with.
func (t *tape) begin(d *media.Description) error {
	head, err := t.mux.AppendHeader(nil, d)
	if err != nil {
		return err
	}
	return t.disk.write(head)
}

// has reports whether a packet is of a track as the file describes it.
func (t *tape) has(p *media.Packet) bool {
	known := t.tracks[p.Track.ID]
	return known == p.Track || known != nil && sameTrack(known, p.Track)
}

// sameTrack reports whether a decoder for a can decode b.
func sameTrack(a, b *media.Track) bool {
	return a.Codec == b.Codec && string(a.Config) == string(b.Config) && a.Width == b.Width && a.Height == b.Height &&
		a.SampleRate == b.SampleRate && a.Channels == b.Channels
}

// packet writes a packet.
func (t *tape) packet(p *media.Packet, start bool) error {
	own := *p // the stream's belongs to everyone
	own.DTS, own.PTS = max(p.DTS-t.base, 0), max(p.PTS-t.base, 0)
	t.ends = max(t.ends, own.DTS)
	t.held++
	err := t.mux.WritePacket(t, &own, start)
	if err == nil && t.form.block && own.DTS-t.since >= fragment {
		t.flush()
	}
	if t.err == nil {
		t.err = err
	}
	return t.err
}

// Tail implements [media.ChunkWriter].
func (t *tape) Tail(n int) []byte {
	if cap(t.spare) < n {
		t.spare = make([]byte, 0, n+n/4)
	}
	return t.spare[:0]
}

// Write implements [media.ChunkWriter].
func (t *tape) Write(c media.Chunk) {
	if !t.form.block {
		t.put(c.Data)
		return
	}
	if len(t.block) == 0 {
		t.since = c.DTS
	}
	t.block = append(t.block, c.Data...)
	if len(t.block) >= blockSize {
		t.flush()
	}
}

func (t *tape) flush() {
	t.put(t.block)
	t.block = t.block[:0]
}

func (t *tape) put(b []byte) {
	if t.err != nil || len(b) == 0 {
		return
	}
	if t.err = t.disk.write(b); t.err == nil {
		t.saved, t.held = true, 0
	}
	if now := time.Now(); t.err == nil && now.Sub(t.looked) > lookTime {
		t.looked = now
		_, t.err = os.Lstat(t.path)
	}
}

// lookTime is how often it is looked whether a file that is written still has its name: somebody may have removed its directory.
const lookTime = 2 * time.Second

// cut writes what was held back. A little may still come.
func (t *tape) cut() error {
	err := t.mux.Flush(t)
	t.flush()
	return errors.Join(t.err, err)
}

// close writes what was held back, and closes the file.
func (t *tape) close() error {
	return errors.Join(t.cut(), t.disk.close())
}
