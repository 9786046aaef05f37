package mp4

import (
	"encoding/binary"
	"time"
)

// sheet is what the boxes of a made-up track say.
type sheet struct {
	entry      []byte // the sample entry
	handler    string
	scale      uint32
	boxes      func(w *writer) // of stbl, but for stsd
	edits      func(w *writer) // of elst, behind version and flags
	editWide   bool
	headerWide bool
}

// vp8 is a sample entry of pictures, g711 one of sound.
func vp8() []byte {
	w := &writer{}
	w.box("vp08", func() {
		w.raw(make([]byte, 24))
		w.raw([]byte{0, 64, 0, 48})
		w.raw(make([]byte, 50))
	})
	return w.b
}

func g711(kind string, channels byte) []byte {
	w := &writer{}
	w.box(kind, func() {
		w.raw(make([]byte, 16))
		w.raw([]byte{0, channels, 0, 16, 0, 0, 0, 0})
		w.u32(8000 << 16)
	})
	return w.b
}

// appendTrak appends a trak box.
func appendTrak(w *writer, id uint32, s sheet) {
	w.box("trak", func() {
		w.full("tkhd", 0, 3, func() {
			w.u64(0)
			w.u32(id)
			w.raw(make([]byte, 68))
		})
		if s.edits != nil {
			version := byte(0)
			if s.editWide {
				version = 1
			}
			w.box("edts", func() { w.full("elst", version, 0, func() { s.edits(w) }) })
		}
		w.box("mdia", func() {
			if s.headerWide {
				w.full("mdhd", 1, 0, func() {
					w.raw(make([]byte, 16))
					w.u32(s.scale)
					w.raw(make([]byte, 12))
				})
			} else {
				w.full("mdhd", 0, 0, func() {
					w.u64(0)
					w.u32(s.scale)
					w.u64(0)
				})
			}
			w.full("hdlr", 0, 0, func() {
				w.u32(0)
				w.raw([]byte(s.handler))
				w.raw(make([]byte, 13))
			})
			w.box("minf", func() {
				w.box("stbl", func() {
					w.full("stsd", 0, 0, func() {
						n := uint32(0)
						for range boxesIn(s.entry) {
							n++
						}
						w.u32(n)
						w.raw(s.entry)
					})
					s.boxes(w)
				})
			})
		})
	})
}

// ordinary makes a file of a moov box behind 1,000 bytes of media, byte i of which is i%256.
func ordinary(sheets ...sheet) []byte {
	w := &writer{}
	w.box("mdat", func() {
		for i := range 1000 {
			w.b = append(w.b, byte(i+8))
		}
	})
	w.box("moov", func() {
		w.full("mvhd", 0, 0, func() {
			w.u64(0)
			w.u32(1000)
			w.raw(make([]byte, 84))
		})
		for i, s := range sheets {
			appendTrak(w, uint32(i+1), s)
		}
	})
	return w.b
}

// numbers appends a full box of nothing but 32-bit numbers.
func numbers(w *writer, kind string, version byte, list ...uint32) {
	w.full(kind, version, 0, func() {
		for _, n := range list {
			w.u32(n)
		}
	})
}

// plain is ten samples of pictures of 10 bytes, 40 ms each, in chunks of 4 from byte 8 on, each 100 bytes apart.
func plain(w *writer) {
	numbers(w, "stts", 0, 1, 10, 40)
	numbers(w, "stsc", 0, 1, 1, 4, 1)
	numbers(w, "stsz", 0, 10, 10)
	numbers(w, "stco", 0, 3, 8, 108, 208)
	numbers(w, "stss", 0, 2, 1, 6)
}

func plainSheet() sheet { return sheet{entry: vp8(), handler: "vide", scale: 1000, boxes: plain} }

const ms = time.Millisecond

func words(list ...uint32) (b []byte) {
	for _, n := range list {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}
