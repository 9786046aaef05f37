package mp4

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// stamps returns DTS and PTS in milliseconds, and the first byte of each.
func stamps(t *testing.T, data []byte) (dts, pts, first []int64) {
	t.Helper()
	for _, p := range readAll(t, openFile(t, data).Cursor()) {
		dts, pts, first = append(dts, int64(p.DTS/ms)), append(pts, int64(p.PTS/ms)), append(first, int64(p.Data[0]))
	}
	return dts, pts, first
}

// Tables of all kinds say the same.
func TestTables(t *testing.T) {
	wantDTS := []int64{0, 40, 80, 120, 160, 200, 240, 280, 320, 360}
	wantFirst := []int64{8, 18, 28, 38, 108, 118, 128, 138, 208, 218}
	for name, boxes := range map[string]func(w *writer){
		"plain": plain,
		"co64": func(w *writer) {
			numbers(w, "stts", 0, 2, 4, 40, 6, 40)
			numbers(w, "stsc", 0, 2, 1, 4, 1, 3, 2, 1)
			numbers(w, "stsz", 0, 0, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10)
			numbers(w, "co64", 0, 3, 0, 8, 0, 108, 0, 208)
		},
		"stz2 of 4 bits": func(w *writer) {
			numbers(w, "stts", 0, 1, 10, 40)
			numbers(w, "stsc", 0, 1, 1, 4, 1)
			numbers(w, "stz2", 0, 4, 10, 0xaaaaaaaa, 0xaa000000)
			numbers(w, "stco", 0, 3, 8, 108, 208)
		},
		"stz2 of 8 bits": func(w *writer) {
			numbers(w, "stts", 0, 1, 10, 40)
			numbers(w, "stsc", 0, 1, 1, 4, 1)
			numbers(w, "stz2", 0, 8, 10, 0x0a0a0a0a, 0x0a0a0a0a, 0x0a0a0000)
			numbers(w, "stco", 0, 3, 8, 108, 208)
		},
		"stz2 of 16 bits": func(w *writer) {
			numbers(w, "stts", 0, 1, 10, 40)
			numbers(w, "stsc", 0, 1, 1, 4, 1)
			numbers(w, "stz2", 0, 16, 10, 0xa000a, 0xa000a, 0xa000a, 0xa000a, 0xa000a)
			numbers(w, "stco", 0, 3, 8, 108, 208)
		},
		"short stts": func(w *writer) {
			numbers(w, "stts", 0, 1, 3, 40)
			numbers(w, "stsc", 0, 1, 1, 4, 1)
			numbers(w, "stsz", 0, 10, 10)
			numbers(w, "stco", 0, 3, 8, 108, 208)
		},
		"long stts, empty runs": func(w *writer) {
			numbers(w, "stts", 0, 4, 0, 7, 5, 40, 0, 9, 4000000000, 40)
			numbers(w, "ctts", 0, 2, 0, 5, 4000000000, 0)
			numbers(w, "stsc", 0, 1, 1, 4, 1)
			numbers(w, "stsz", 0, 10, 10)
			numbers(w, "stco", 0, 4, 8, 108, 208, 308)
		},
	} {
		for _, wide := range []bool{false, true} {
			s := plainSheet()
			s.boxes, s.headerWide = boxes, wide
			dts, pts, first := stamps(t, ordinary(s))
			require.Equal(t, wantDTS, dts, name)
			require.Equal(t, wantDTS, pts, name)
			require.Equal(t, wantFirst, first, name)
		}
	}
}

// An edit list says when the presentation begins, and composition offsets below 0 move all.
func TestEdits(t *testing.T) {
	composed := func(version byte, list ...uint32) func(w *writer) {
		return func(w *writer) {
			plain(w)
			numbers(w, "ctts", version, append([]uint32{uint32(len(list) / 2)}, list...)...)
		}
	}
	const none = 1<<32 - 1
	for name, c := range map[string]struct {
		sheet    sheet
		dts, pts []int64 // of the first three samples
	}{
		"delay": {
			sheet{edits: func(w *writer) { w.raw(words(2, 500, none, 1<<16, 0, 0, 1<<16)) }},
			[]int64{500, 540, 580},
			[]int64{500, 540, 580},
		},
		"delay, version 1": {
			sheet{editWide: true, edits: func(w *writer) { w.raw(words(2, 0, 500, none, none, 1<<16, 0, 0, 0, 0, 1<<16)) }},
			[]int64{500, 540, 580},
			[]int64{500, 540, 580},
		},
		"B-frames": {
			sheet{edits: func(w *writer) { w.raw(words(1, 400, 80, 1<<16)) }, boxes: composed(0, 1, 80, 1, 160, 8, 40)},
			[]int64{0, 40, 80},
			[]int64{80, 200, 120},
		},
		"B-frames that are late": {
			sheet{
				edits: func(w *writer) { w.raw(words(3, 200, none, 1<<16, 400, 80, 1<<16, 1, 320, 1<<16)) },
				boxes: composed(0, 1, 80, 1, 160, 8, 40),
			},
			[]int64{120, 160, 200},
			[]int64{200, 320, 240},
		},
		"below 0": {
			sheet{boxes: composed(1, 1, 0, 1, 80, 8, none-39)},
			[]int64{0, 40, 80},
			[]int64{40, 160, 80},
		},
		"out of all reason": {
			sheet{edits: func(w *writer) { w.raw(words(2, none, none, 1<<16, none, 1<<31-1, 1<<16)) }},
			[]int64{4294967295 - 2147483647, 4294967295 - 2147483607, 4294967295 - 2147483567},
			[]int64{4294967295 - 2147483647, 4294967295 - 2147483607, 4294967295 - 2147483567},
		},
		"count that is not true": {
			sheet{edits: func(w *writer) { w.raw(words(none, 500, none, 1<<16)) }},
			[]int64{500, 540, 580},
			[]int64{500, 540, 580},
		},
	} {
		s := c.sheet
		s.entry, s.handler, s.scale = vp8(), "vide", 1000
		if s.boxes == nil {
			s.boxes = plain
		}
		dts, pts, _ := stamps(t, ordinary(s))
		require.Equal(t, c.dts, dts[:3], name)
		require.Equal(t, c.pts, pts[:3], name)
	}
}

// Tracks that cannot be read are left out, and named.
func TestSkipped(t *testing.T) {
	other := plainSheet()
	other.entry, other.handler = g711("ac-3", 2), "soun"
	clock := plainSheet()
	clock.entry, clock.handler = nil, "tmcd"
	odd := plainSheet()
	odd.entry = g711("\x00\x01a\xff", 1)
	f := openFile(t, ordinary(other, plainSheet(), clock, odd))
	require.Equal(t, []string{"ac-3", "tmcd", "0x000161ff"}, f.Skipped())
	require.Len(t, f.Tracks(), 1)
	require.Equal(t, &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000, Width: 64, Height: 48, FPS: 25}, f.Tracks()[0])

	_, err := Open(bytes.NewReader(ordinary(other)), int64(len(ordinary(other))))
	require.ErrorIs(t, err, ErrNoTracks)

	var many []sheet
	for range 40 {
		many = append(many, plainSheet())
	}
	require.Len(t, openFile(t, ordinary(many...)).Tracks(), 16)
}

// Another sample entry is another track of the same ID. One that cannot be read ends the track.
func TestEntries(t *testing.T) {
	small := vp8()
	small[8+24+1] = 32
	s := plainSheet()
	boxes := func(last uint32) func(w *writer) {
		return func(w *writer) {
			numbers(w, "stts", 0, 1, 10, 40)
			numbers(w, "stsc", 0, 3, 1, 4, 1, 2, 4, 2, 3, 4, last)
			numbers(w, "stsz", 0, 10, 10)
			numbers(w, "stco", 0, 3, 8, 108, 208)
		}
	}
	s.entry = append(vp8(), small...)
	s.boxes = boxes(1)
	var widths []int
	for _, p := range readAll(t, openFile(t, ordinary(s)).Cursor()) {
		require.Equal(t, 1, p.Track.ID)
		widths = append(widths, p.Track.Width)
	}
	require.Equal(t, []int{64, 64, 64, 64, 32, 32, 32, 32, 64, 64}, widths)
	s.boxes = boxes(3)
	require.Len(t, readAll(t, openFile(t, ordinary(s)).Cursor()), 8)
}

// Single values of sound come as packets of many.
func TestSingles(t *testing.T) {
	s := sheet{entry: g711("ulaw", 1), handler: "soun", scale: 8000, boxes: func(w *writer) {
		numbers(w, "stts", 0, 1, 1000, 1)
		numbers(w, "stsc", 0, 1, 1, 500, 1)
		numbers(w, "stsz", 0, 1, 1000)
		numbers(w, "stco", 0, 2, 8, 508)
	}}
	list := readAll(t, openFile(t, ordinary(s)).Cursor())
	require.Len(t, list, 2)
	require.Len(t, list[1].Data, 500)
	require.Equal(t, 500*time.Second/8000, list[1].DTS)
}

// Lengths of NAL units in 1, 2 or 3 bytes become ones of 4, in samples and in the configuration.
func TestLengthSizes(t *testing.T) {
	for size := 1; size <= 4; size++ {
		e := &entry{track: &media.Track{Codec: media.H264, Config: []byte{1, 66, 0, 30, 0xfc | byte(size-1), 0xe0, 0}}}
		require.True(t, e.describeUnits())
		require.EqualValues(t, 0xff, e.track.Config[4])
		var sample []byte
		for _, unit := range []string{"\x65abc", "", "\x41de"} {
			length := binary.BigEndian.AppendUint32(nil, uint32(len(unit)))
			sample = append(append(sample, length[4-size:]...), unit...)
		}
		got := e.packet(sample)
		if size == 4 {
			require.Equal(t, sample, got)
			continue
		}
		require.Equal(t, "\x00\x00\x00\x04\x65abc\x00\x00\x00\x03\x41de", string(got))
		require.Equal(t, "\x00\x00\x00\x04\x65abc", string(e.packet(sample[:len(sample)-1])), "torn")
	}
}
