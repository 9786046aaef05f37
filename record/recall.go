package record

import (
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/media"
)

const (
	// longestBack is how far back a clip begins at most.
	longestBack = time.Hour
	// recallLate is how long it takes until what has come is in a file: a fragment, and a slow disk.
	recallLate = 3 * time.Second
	// recallNear is how near two stamps of one packet are, of which one has been in a file: a unit of a track of 8 kHz.
	recallNear = time.Second / 8000
)

// written is a file of a recording, as the stream counts its time.
type written struct {
	path   string
	base   time.Duration // DTS of its first packet
	tracks []*media.Track
	joins  bool // it goes on from the file before
}

// history is what a recording has written of late: as much as a clip can want. It is written by one goroutine, and read by others.
type history struct {
	mu   sync.Mutex
	list []written
}

// add notes a file, and forgets those that are too old.
func (h *history) add(w written) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, w)
	old := 0
	for old+1 < len(h.list) && h.list[old+1].base < w.base-longestBack {
		old++
	}
	h.list = slices.Delete(h.list, 0, old)
}

// since returns the files that have something from a time on, oldest first: of those that follow each other without a gap up to now.
func (h *history) since(at time.Duration) []written {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := len(h.list) - 1
	for i > 0 && h.list[i].joins && h.list[i].base > at {
		i--
	}
	return slices.Clone(h.list[max(i, 0):])
}

// recall records what the clip lacks up to a time, from the files of the recording of its stream. Where there is none it does nothing.
func (g *recording) recall(to time.Duration) {
	c := g.clip
	if c.source == nil || to-c.has <= recallNear {
		return
	}
	list := c.source.history.since(c.has)
	for i := range list {
		if list[i].base >= to || i+1 < len(list) && list[i+1].base <= c.has {
			continue
		}
		last := i+1 == len(list) || list[i+1].base >= to
		if err := g.recallFile(&list[i], to, last); err != nil {
			g.log.Warn("a clip lacks what cannot be read of the recording", "path", list[i].path, "err", err)
			return
		}
	}
}

// recallFile records what there is in a file from where the clip is up to a time. Of the last file that may still have to be written.
func (g *recording) recallFile(w *written, to time.Duration, last bool) error {
	b, err := g.recorder.shelf.take(w.path)
	for late := time.Duration(0); err == nil && last && w.base+b.Duration() < to && late < recallLate; late += fragment / 5 {
		g.recorder.shelf.giveBack(b)
		if !g.sleep(fragment / 5) {
			return g.ctx.Err()
		}
		b, err = g.recorder.shelf.take(w.path)
	}
	if err != nil {
		return err
	}
	defer g.recorder.shelf.giveBack(b)
	tracks := b.Tracks()
	cursor := b.Cursor()
	cursor.Seek(g.clip.has - w.base)
	for g.ctx.Err() == nil {
		p, err := cursor.ReadPacket()
		if err != nil || p.DTS+w.base >= to+longestSegment {
			return nil // it ends, or has what comes from the stream
		}
		i := slices.Index(tracks, p.Track)
		if i < 0 || i >= len(w.tracks) || w.tracks[i].Codec != p.Track.Codec {
			continue
		}
		p.Track, p.DTS, p.PTS = w.tracks[i], p.DTS+w.base, p.PTS+w.base
		if p.DTS < to-recallNear && g.fresh(p) {
			g.packet(p)
		}
	}
	return g.ctx.Err()
}

// fresh reports whether a packet is none that the clip has, and notes it. Stamps in files are rounded.
func (g *recording) fresh(p *media.Packet) bool {
	c := g.clip
	if c.source == nil {
		return true
	}
	if last, ok := c.last[p.Track.ID]; ok && p.DTS <= last+recallNear {
		return false
	}
	c.last[p.Track.ID] = p.DTS
	c.has = max(c.has, p.DTS)
	return true
}

// sleep waits, and reports whether the recording goes on.
func (g *recording) sleep(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-g.ctx.Done():
		return false
	}
}
