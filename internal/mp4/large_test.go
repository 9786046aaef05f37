package mp4

import (
	"bytes"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fragmentsOf makes a file of fragments of a second each: 25 pictures, and 47 frames of what is called sound.
func fragmentsOf(tb testing.TB, n, pictureSize, soundSize int) []byte {
	tb.Helper()
	w := &writer{}
	w.box("moov", func() {
		video := plainSheet()
		video.scale = 90000
		video.boxes = func(*writer) {}
		appendTrak(w, 1, video)
		appendTrak(w, 2, sheet{entry: g711("ulaw", 1), handler: "soun", scale: 48000, boxes: func(*writer) {}})
		w.box("mvex", func() {
			numbers(w, "trex", 0, 1, 1, 3600, 0, 0x1010000)
			numbers(w, "trex", 0, 2, 1, 1024, 0, 0)
		})
	})
	const pictures, sounds = 25, 47
	for i := range n {
		fragment := len(w.b)
		var video, audio int
		w.box("moof", func() {
			w.box("traf", func() {
				w.full("tfhd", 0, baseIsMoof, func() { w.u32(1) })
				w.full("tfdt", 1, 0, func() { w.u64(uint64(i) * 90000) })
				w.full("trun", 1, runOffset|runFirstFlags|runSizes|runCompositions, func() {
					w.u32(pictures)
					video = len(w.b)
					w.u32(0)
					w.u32(0x2000000)
					for j := range pictures {
						w.u32(uint32(pictureSize))
						w.u32(uint32(j%3) * 3600)
					}
				})
			})
			w.box("traf", func() {
				w.full("tfhd", 0, baseIsMoof, func() { w.u32(2) })
				w.full("tfdt", 1, 0, func() { w.u64(uint64(i) * sounds * 1024) })
				w.full("trun", 0, runOffset|runSizes, func() {
					w.u32(sounds)
					audio = len(w.b)
					w.u32(0)
					for j := range sounds {
						w.u32(uint32(soundSize - j%2))
					}
				})
			})
		})
		offset := uint32(len(w.b) - fragment + 8)
		copy(w.b[video:], words(offset))
		copy(w.b[audio:], words(offset+uint32(pictures*pictureSize)))
		w.box("mdat", func() { w.raw(make([]byte, pictures*pictureSize+sounds*soundSize)) })
	}
	return w.b
}

// Two hours of fragments of a second each open as well, though each of them must be read.
func BenchmarkOpen2hFragments(b *testing.B) {
	data := fragmentsOf(b, 7200, 10, 4)
	b.ReportAllocs()
	var f *File
	for b.Loop() {
		f = openFile(b, data)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
	require.EqualValues(b, 180_000, f.tracks[0].table.samples)
	require.EqualValues(b, 338_400, f.tracks[1].table.samples)
}

// patchwork is a file of which only some pieces are not zeros.
type patchwork struct {
	size   int64
	pieces []patch // by where they are
	each   int64   // how far they are apart
}

type patch struct {
	at int64
	b  []byte
}

func (p *patchwork) add(b []byte) { p.pieces = append(p.pieces, patch{p.size, b}); p.size += p.each }

func (p *patchwork) ReadAt(b []byte, at int64) (int, error) {
	n := int(min(int64(len(b)), p.size-at))
	clear(b[:n])
	for i := at / p.each; i <= (at+int64(n))/p.each && i < int64(len(p.pieces)); i++ {
		x := &p.pieces[i]
		if from := x.at - at; from >= 0 {
			copy(b[min(from, int64(n)):n], x.b)
		} else if -from < int64(len(x.b)) {
			copy(b[:n], x.b[-from:])
		}
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// front keeps the beginning of what is written, and counts all.
type front struct {
	b []byte
	n int64
}

func (f *front) Write(b []byte) (int, error) {
	if room := 1<<20 - len(f.b); room > 0 {
		f.b = append(f.b, b[:min(room, len(b))]...)
	}
	f.n += int64(len(b))
	return len(b), nil
}

// A file of 10 GiB gets offsets and an mdat box of 64 bits, and is never in memory.
func TestTenGigabytes(t *testing.T) {
	const fragments, size = 700, 15 << 20
	p := &patchwork{each: size + 4096}
	head := &writer{}
	head.box("moov", func() {
		video := plainSheet()
		video.boxes = func(*writer) {}
		appendTrak(head, 1, video)
		head.box("mvex", func() { numbers(head, "trex", 0, 1, 1, 1<<25, 0, 0) })
	})
	head.b = append(append(head.b, words(uint32(p.each)-uint32(len(head.b)))...), "free"...)
	p.add(head.b)
	for range fragments {
		w := &writer{}
		w.box("moof", func() {
			w.box("traf", func() {
				w.full("tfhd", 0, baseIsMoof|sizePresent, func() { w.raw(words(1, size)) })
				w.full("trun", 0, runOffset, func() { w.raw(words(1, 4000)) })
			})
		})
		w.b = append(append(w.b, words(uint32(p.each)-uint32(len(w.b)))...), "mdat"...)
		p.add(w.b)
	}
	out := &front{}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, Finish(t.Context(), p, p.size, out, FinishOptions{}))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(8<<20))
	require.Greater(t, out.n, int64(fragments)*size)
	done := &patchwork{each: out.n}
	done.add(out.b)
	f, err := Open(done, out.n)
	require.NoError(t, err)
	table := &f.tracks[0].table
	require.Len(t, table.chunks, fragments)
	last := table.chunks[fragments-1]
	require.Equal(t, out.n-size, last.at)
	// The movie is longer than 32 bits of milliseconds, too.
	require.Equal(t, fragments*(1<<25)*time.Millisecond, f.Duration())
	require.True(t, bytes.Contains(out.b, []byte("co64")))
	require.Equal(t, int64(fragments)*(1<<25), int64(movieDuration(t, out.b)))
	c := f.Cursor()
	c.Seek(f.Duration())
	packet, err := c.ReadPacket()
	require.NoError(t, err)
	require.Len(t, packet.Data, size)
}

// movieDuration is that of mvhd.
func movieDuration(t *testing.T, b []byte) uint64 {
	t.Helper()
	f, version, _ := fullBox(find(b, "moov", "mvhd"))
	require.EqualValues(t, 1, version)
	f.skip(20)
	return f.u64()
}
