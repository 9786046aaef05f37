package mp4

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// Finish says what it cannot do, ends with its context and its writer, and can be slowed down.
func TestFinishErrors(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	s := mux(t, tracks, packets)
	run := func(ctx context.Context, data []byte, dst io.Writer, opts FinishOptions) error {
		return Finish(ctx, bytes.NewReader(data), int64(len(data)), dst, opts)
	}
	require.ErrorIs(t, run(t.Context(), finish(t, s.file, FinishOptions{}), io.Discard, FinishOptions{}), ErrNotFragmented)
	require.ErrorIs(t, run(t.Context(), s.file[:s.ends[0]], io.Discard, FinishOptions{}), ErrEmpty)
	require.ErrorIs(t, run(t.Context(), []byte("no film"), io.Discard, FinishOptions{}), ErrNoMovie)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, run(ctx, s.file, io.Discard, FinishOptions{}), context.Canceled)
	ctx, cancel = context.WithCancel(t.Context())
	require.ErrorIs(t, run(ctx, large(t), io.Discard, FinishOptions{Pace: func(context.Context, int) error {
		cancel()
		return nil
	}}), context.Canceled)

	r, w := io.Pipe()
	r.Close()
	require.ErrorIs(t, run(t.Context(), s.file, w, FinishOptions{}), io.ErrClosedPipe)

	paced := 0
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), large(t), &out, FinishOptions{Pace: func(_ context.Context, n int) error {
		require.LessOrEqual(t, n, 256<<10)
		paced += n
		return nil
	}}))
	require.Equal(t, out.Len(), paced)
	enough := errors.New("enough")
	require.ErrorIs(t, run(t.Context(), s.file, io.Discard, FinishOptions{Pace: func(context.Context, int) error { return enough }}), enough)
}

// large is a fragmented file of some pieces.
func large(t testing.TB) []byte {
	t.Helper()
	track := &media.Track{ID: 1, Codec: media.VP8, Width: 64, Height: 48}
	var list []*media.Packet
	for i := range 10 {
		at := time.Duration(i) * time.Second
		list = append(list, &media.Packet{Track: track, DTS: at, PTS: at, Key: true, Data: bytes.Repeat([]byte{byte(i)}, 100_000)})
	}
	return mux(t, []*media.Track{track}, list).file
}

// insert puts boxes into the moov box at the beginning of a file, behind the ftyp box.
func insert(t testing.TB, file, boxes []byte) (out []byte) {
	t.Helper()
	for b := range boxesIn(file) {
		if string(b.kind[:]) != "moov" {
			out = append(out, b.whole...)
			continue
		}
		w := &writer{}
		w.box("moov", func() {
			w.raw(b.body)
			w.raw(boxes)
		})
		out = append(out, w.b...)
	}
	return out
}

// Boxes of ours in moov/udta and moov are found, and stay when the file is finished; more can be added.
func TestUserData(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	data := mux(t, tracks, packets).file
	uuid := func(id byte, text string) []byte {
		w := &writer{}
		w.box("uuid", func() { w.raw(append(bytes.Repeat([]byte{id}, 16), text...)) })
		return w.b
	}
	id := func(b byte) [16]byte { return [16]byte(bytes.Repeat([]byte{b}, 16)) }
	w := &writer{}
	w.box("udta", func() {
		w.raw(uuid(1, "one"))
		w.full("name", 0, 0, func() { w.raw([]byte("a name")) })
		w.u32(0) // as QuickTime has it
	})
	w.raw(uuid(2, "two"))
	w.raw(uuid(2, "two again"))
	w.raw(uuid(4, ""))
	with := insert(t, data, w.b)
	f := openFile(t, with)
	done := finish(t, with, FinishOptions{Extra: uuid(3, "three")})
	for _, f := range []*File{f, openFile(t, done)} {
		require.Equal(t, "one", string(f.UUID(id(1))))
		require.Equal(t, "two", string(f.UUID(id(2))))
		require.NotNil(t, f.UUID(id(4)))
		require.Nil(t, f.UUID(id(5)))
	}
	require.Nil(t, f.UUID(id(3)))
	require.Equal(t, "three", string(openFile(t, done).UUID(id(3))))
	require.True(t, bytes.Contains(done, []byte("a name")))
	require.Equal(t, readAll(t, f.Cursor()), readAll(t, openFile(t, done).Cursor()))
	require.Equal(t, probe(t, save(t, "a.mp4", with)), probe(t, save(t, "b.mp4", done)))

	plain := finish(t, data, FinishOptions{Extra: uuid(3, "three")})
	require.Equal(t, "three", string(openFile(t, plain).UUID(id(3))))
}

// The index of a finished file comes first, and a chunk is what a fragment has of a track, in the same order.
func TestLayout(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	s := mux(t, tracks, packets)
	done := finish(t, s.file, FinishOptions{})
	var kinds []string
	var moved []byte
	for b := range boxesIn(done) {
		kinds = append(kinds, string(b.kind[:]))
		moved = b.body
	}
	require.Equal(t, []string{"ftyp", "moov", "mdat"}, kinds)
	var before []byte
	for b := range boxesIn(s.file) {
		if string(b.kind[:]) == "mdat" {
			before = append(before, b.body...)
		}
	}
	require.True(t, bytes.Equal(before, moved))
	f := openFile(t, done)
	require.Len(t, f.tracks[0].table.chunks, len(s.ends)-1, "a fragment has a picture")
	require.Less(t, len(f.tracks[1].table.chunks), len(s.ends))
}
