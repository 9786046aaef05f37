package mp4

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// sparse is a file whose media is zeros, however long.
type sparse struct {
	head []byte // all that is not media
	at   int64  // where it is
	size int64
}

func (s *sparse) ReadAt(b []byte, at int64) (int, error) {
	clear(b)
	if at < s.at+int64(len(s.head)) && at+int64(len(b)) > s.at {
		copy(b[max(s.at-at, 0):], s.head[max(at-s.at, 0):])
	}
	if at+int64(len(b)) > s.size {
		return int(max(s.size-at, 0)), io.EOF
	}
	return len(b), nil
}

// twoHours is an ordinary file of 180,000 pictures with B-frames and 340,000 frames of sound, a chunk for each picture.
func twoHours(tb testing.TB) *sparse {
	tb.Helper()
	const pictures, sounds, pictureSize, soundSize = 180_000, 340_000, 9_000, 200
	const first, each = 16, pictureSize + 2*soundSize
	offsets := func(w *writer, shift uint32) {
		w.full("co64", 0, 0, func() {
			w.u32(pictures)
			for i := range uint64(pictures) {
				w.u64(first + i*each + uint64(shift))
			}
		})
	}
	sizes := func(w *writer, n, size int) {
		w.full("stsz", 0, 0, func() {
			w.u64(uint64(n))
			for i := range n {
				w.u32(uint32(size - i%7))
			}
		})
	}
	video := plainSheet()
	video.scale = 90000
	video.boxes = func(w *writer) {
		numbers(w, "stts", 0, 1, pictures, 3600)
		w.full("ctts", 0, 0, func() {
			w.u32(pictures)
			for i := range pictures {
				w.u32(1)
				w.u32(uint32(i%3) * 3600)
			}
		})
		w.full("stss", 0, 0, func() {
			w.u32(pictures / 50)
			for i := range pictures / 50 {
				w.u32(uint32(i)*50 + 1)
			}
		})
		numbers(w, "stsc", 0, 1, 1, 1, 1)
		sizes(w, pictures, pictureSize)
		offsets(w, 0)
	}
	audio := sheet{entry: g711("ulaw", 1), handler: "soun", scale: 48000, boxes: func(w *writer) {
		numbers(w, "stts", 0, 1, sounds, 1024)
		w.full("stsc", 0, 0, func() {
			w.u32(2)
			w.raw(words(1, 2, 1, sounds-pictures+1, 1, 1))
		})
		sizes(w, sounds, soundSize)
		offsets(w, pictureSize)
	}}
	w := &writer{}
	w.box("moov", func() {
		w.full("mvhd", 0, 0, func() { w.raw(make([]byte, 96)) })
		appendTrak(w, 1, video)
		appendTrak(w, 2, audio)
	})
	s := &sparse{head: w.b, at: first + pictures*each}
	s.size = s.at + int64(len(w.b))
	return s
}

// withHead puts the head of a box before a file.
type withHead struct {
	io.ReaderAt
	head []byte
}

func (h *withHead) ReadAt(b []byte, at int64) (int, error) {
	n, err := h.ReaderAt.ReadAt(b, at)
	if at < int64(len(h.head)) {
		copy(b, h.head[at:])
	}
	return n, err
}

func twoHoursFile(tb testing.TB) (io.ReaderAt, int64) {
	tb.Helper()
	s := twoHours(tb)
	w := &writer{}
	w.u32(1)
	w.raw([]byte("mdat"))
	w.u64(uint64(s.at))
	return &withHead{s, w.b}, s.size
}

// A file of two hours opens within 50 ms and 20 MB, and seeks.
func BenchmarkOpen2h(b *testing.B) {
	r, size := twoHoursFile(b)
	b.ReportAllocs()
	var f *File
	for b.Loop() {
		var err error
		f, err = Open(r, size)
		require.NoError(b, err)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/op")
	require.EqualValues(b, 180_000, f.tracks[0].table.samples)
	require.EqualValues(b, 340_000, f.tracks[1].table.samples)
}

func BenchmarkSeek2h(b *testing.B) {
	r, size := twoHoursFile(b)
	f, err := Open(r, size)
	require.NoError(b, err)
	c := f.Cursor()
	at := time.Duration(0)
	for b.Loop() {
		at = (at + 4001*time.Second) % f.Duration()
		c.Seek(at)
		_, err := c.ReadPacket()
		require.NoError(b, err)
	}
}

func BenchmarkCursor(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	f := openFile(b, mux(b, tracks, packets).file)
	b.ReportAllocs()
	for b.Loop() {
		readAll(b, f.Cursor())
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(packets)), "ns/packet")
}

// Ten minutes in fragments of a picture each become an ordinary file.
func BenchmarkFinish(b *testing.B) {
	tracks, packets := reel.Load(b, testmedia.H264())
	var list []*media.Packet
	for i := range 100 {
		for _, p := range packets {
			by := time.Duration(i) * 6100 * ms
			list = append(list, &media.Packet{Track: p.Track, DTS: p.DTS + by, PTS: p.PTS + by, Key: p.Key, Data: p.Data})
		}
	}
	data := mux(b, tracks, list).file
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		require.NoError(b, Finish(b.Context(), bytes.NewReader(data), int64(len(data)), io.Discard, FinishOptions{}))
	}
}
