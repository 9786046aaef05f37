package media

import (
	"time"

	"github.com/sluice-media/sluice/media/internal/fanout"
)

// Jumper is what a [Muxer] or a [Chunker] implements as well if it numbers what it makes, or tells the wall clock: a stream
// that is made of a [Source] jumps.
type Jumper interface {
	// Jump says that the clock of the source was set anew: it was sought, goes on after a pause, or at another speed. unsent
	// are the newest chunks, oldest first, which went to nobody and never will: what follows takes their place. epoch is
	// the wall clock where DTS is 0, from the next packet on.
	Jump(unsent [][]byte, epoch time.Time)
}

var _ Jumper = (*perPacket)(nil)

// Jump implements [Jumper].
func (m *perPacket) Jump(unsent [][]byte, epoch time.Time) {
	if j, ok := m.Muxer.(Jumper); ok {
		j.Jump(unsent, epoch)
	}
}

// reset tells the muxers that the clock was set anew.
func (b *playback) reset() {
	b.stream.mu.Lock()
	defer b.stream.mu.Unlock()
	for _, o := range b.stream.outputs {
		o.jump(o.log.Head(), b.epoch())
	}
}

// drop takes back what the readers have not taken, and tells the muxers, also that the clock was set anew.
func (b *playback) drop() {
	b.stream.mu.Lock()
	defer b.stream.mu.Unlock()
	readers := b.list()
	for _, o := range b.stream.outputs {
		o.flushHeld() // what muxers hold back is of the place before
		o.jump(dropped(readers, o.log), b.epoch())
	}
	dropped(readers, b.stream.packets)
}

// dropped takes back what the readers of a log have not taken, and returns the sequence number of the first item that none
// of them has.
func dropped(readers []reined, log held) uint64 {
	first, read := uint64(0), false
	for _, r := range readers {
		if r.log == log {
			first, read = max(first, r.gate.Drop(log.Head())), true
		}
	}
	if !read {
		return log.Head()
	}
	return first
}

// epoch is the wall clock where DTS is 0.
func (b *playback) epoch() time.Time { return b.from.Add(-b.base) }

// jump tells the muxer of a jump, which takes back the items from first on.
func (o *output) jump(first uint64, epoch time.Time) {
	j, ok := o.mux.(Jumper)
	if !ok || o.failed || o.intro == nil {
		return
	}
	var unsent [][]byte
	for _, it := range o.log.Since(first) {
		unsent = append(unsent, it.Data())
	}
	err := func() (err error) {
		defer fanout.Catch(&err)
		j.Jump(unsent, epoch)
		return nil
	}()
	if err != nil {
		o.fail(err)
	}
}
