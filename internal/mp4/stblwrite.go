package mp4

import "encoding/binary"

// write appends what is in a stbl box (14496-12, 8.5.1).
func (t *table) write(w *writer, of *track, offsets []int64, wide bool) {
	w.box("stsd", func() { w.raw(of.boxes.stsd) })
	w.full("stts", 0, 0, func() { writeRuns(w, t.times) })
	if len(t.offsets) > 0 {
		version := byte(0)
		if t.lead > 0 {
			version = 1
		}
		w.full("ctts", version, 0, func() { writeRuns(w, t.offsets) })
	}
	if !t.allSync {
		w.full("stss", 0, 0, func() {
			w.count(len(t.sync))
			for _, n := range t.sync {
				w.u32(n + 1)
			}
		})
	}
	w.full("stsc", 0, 0, func() { t.writeChunks(w) })
	w.full("stsz", 0, 0, func() { t.writeSizes(w) })
	if wide {
		w.full("co64", 0, 0, func() {
			w.count(len(offsets))
			for _, at := range offsets {
				w.u64(uint64(at))
			}
		})
		return
	}
	w.full("stco", 0, 0, func() {
		w.count(len(offsets))
		for _, at := range offsets {
			w.u32(uint32(at))
		}
	})
}

// writeRuns appends the entries of stts and ctts (8.6.1).
func writeRuns(w *writer, list []run) {
	w.count(len(list))
	for _, r := range list {
		w.u32(r.count)
		w.u32(r.value)
	}
}

// writeChunks appends the entries of stsc (8.7.4), of which each stands for all chunks like it that follow.
func (t *table) writeChunks(w *writer) {
	at, n := len(w.b), 0
	w.u32(0)
	var per, entry uint32
	for i, c := range t.chunks {
		if k := t.chunkEnd(i) - c.first; i == 0 || k != per || c.entry != entry {
			per, entry = k, c.entry
			w.u32(uint32(i) + 1)
			w.u32(per)
			w.u32(entry + 1)
			n++
		}
	}
	binary.BigEndian.PutUint32(w.b[at:], uint32(n))
}

// writeSizes appends what is in stsz (8.7.3.2).
func (t *table) writeSizes(w *writer) {
	w.u32(t.size)
	w.u32(t.samples)
	if t.size != 0 {
		return
	}
	for _, size := range t.sizes {
		w.u32(size)
	}
}
