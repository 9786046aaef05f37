package mp4

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// What a file says of itself does not make it take memory that it has no bytes for, and no time.
func TestHostile(t *testing.T) {
	const many = 4_000_000_000
	with := func(boxes func(w *writer)) []byte {
		s := plainSheet()
		s.boxes = boxes
		return ordinary(s)
	}
	zero := make([]byte, 4<<20)
	nested := &writer{}
	for range 100000 {
		nested.u32(uint32(8 * 100000))
		nested.raw([]byte("moov"))
	}
	for name, data := range map[string][]byte{
		"nothing":      nil,
		"zeros":        zero,
		"text":         bytes.Repeat([]byte("this is no film "), 1000),
		"empty boxes":  bytes.Repeat([]byte("\x00\x00\x00\x08free"), 1<<16),
		"deep nesting": nested.b,
		"constant size": with(func(w *writer) {
			numbers(w, "stts", 0, 1, many, 40)
			numbers(w, "stsc", 0, 1, 1, many, 1)
			numbers(w, "stsz", 0, 1, many)
			numbers(w, "stco", 0, 1, 8)
		}),
		"overlap": with(func(w *writer) {
			numbers(w, "stts", 0, 1, many, 40)
			numbers(w, "stsc", 0, 1, 1, many, 1)
			numbers(w, "stsz", 0, 1, many)
			numbers(w, "stco", 0, append([]uint32{4096}, make([]uint32, 4096)...)...)
		}),
		"sizes that are not there": with(func(w *writer) { numbers(w, "stsz", 0, 0, many, 1) }),
		"counts that are not true": with(func(w *writer) { numbers(w, "stts", 0, many, 1, 1) }),
		"chunks out of order": with(func(w *writer) {
			numbers(w, "stsc", 0, 2, 2, 1, 1, 1, 1, 1)
			numbers(w, "stsz", 0, 1, 100)
			numbers(w, "stco", 0, 2, 8, 9)
		}),
		"chunks outside": with(func(w *writer) {
			numbers(w, "stsc", 0, 1, 1, 1, 1)
			numbers(w, "stsz", 0, 1, 100)
			numbers(w, "co64", 0, 2, many, 8, 8, 0)
		}),
		"empty samples": with(func(w *writer) {
			numbers(w, "stts", 0, 1, 1000, 0)
			numbers(w, "stsc", 0, 1, 1, 1000, 1)
			numbers(w, "stsz", 0, append([]uint32{0, 1000}, make([]uint32, 1000)...)...)
			numbers(w, "stco", 0, 1, 8)
		}),
		"fragments of nothing": hostileFragments(many, 0),
		"fragments of much":    hostileFragments(many, 1),
		"fragments that share": hostileFragments(1000, 1),
		"fragments far away":   hostileFragments(1, 1<<31),
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			begun := time.Now()
			f, err := Open(bytes.NewReader(data), int64(len(data)))
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(16*len(data)+128<<10))
			require.Less(t, time.Since(begun), 2*time.Second)
			if err != nil {
				require.True(t, errors.Is(err, ErrMalformed) || errors.Is(err, ErrNoMovie) || errors.Is(err, ErrNoTracks), err)
				return
			}
			c, total := f.Cursor(), 0
			c.Seek(time.Hour)
			c.Seek(0)
			for {
				p, err := c.ReadPacket()
				if err != nil {
					require.ErrorIs(t, err, io.EOF)
					break
				}
				total += len(p.Data)
			}
			require.LessOrEqual(t, total, len(data))
		})
	}
}

// hostileFragments makes a hundred fragments of a number of samples of a size each, all with the same media.
func hostileFragments(count, size uint32) []byte {
	w := &writer{}
	w.box("moov", func() {
		s := plainSheet()
		s.boxes = func(*writer) {}
		appendTrak(w, 1, s)
		w.box("mvex", func() { numbers(w, "trex", 0, 1, 1, 40, size, 0) })
	})
	media := len(w.b)
	w.box("mdat", func() { w.raw(make([]byte, 5000)) })
	for range 100 {
		at := len(w.b)
		w.box("moof", func() {
			w.box("traf", func() {
				w.full("tfhd", 0, baseIsMoof, func() { w.u32(1) })
				w.full("trun", 0, runOffset, func() {
					w.u32(count)
					w.u32(uint32(media + 8 - at))
				})
			})
		})
	}
	return w.b
}
