package mp4

import "encoding/binary"

// writer appends boxes (14496-12, 4.2).
type writer struct{ b []byte }

// box appends a box of which body appends what is in it.
func (w *writer) box(kind string, body func()) {
	at := len(w.b)
	w.u32(0)
	w.b = append(w.b, kind...)
	body()
	binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at))
}

// full appends a box with version and flags.
func (w *writer) full(kind string, version byte, flags uint32, body func()) {
	w.box(kind, func() {
		w.u32(uint32(version)<<24 | flags)
		body()
	})
}

func (w *writer) raw(b []byte) { w.b = append(w.b, b...) }
func (w *writer) u32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }
func (w *writer) u64(v uint64) { w.b = binary.BigEndian.AppendUint64(w.b, v) }
func (w *writer) count(n int)  { w.u32(uint32(n)) }
func (w *writer) sized(version byte, v uint64) {
	if version == 1 {
		w.u64(v)
	} else {
		w.u32(uint32(v))
	}
}

// versionFor is 1 if a number needs a field of 64 bits. All ones mean in one of 32 that it is not known.
func versionFor(numbers ...uint64) byte {
	for _, n := range numbers {
		if n >= 1<<32-1 {
			return 1
		}
	}
	return 0
}
