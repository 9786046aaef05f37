package mp4

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// addSeeds adds small files of each kind.
func addSeeds(f *testing.F) {
	f.Helper()
	tracks, packets := reel.Load(f, testmedia.H264B())
	var small []*media.Packet
	for _, p := range packets[:40] {
		q := *p
		q.Data = q.Data[:min(len(q.Data), 20)]
		small = append(small, &q)
	}
	data := mux(f, tracks, small).file
	f.Add(data)
	var done bytes.Buffer
	require.NoError(f, Finish(f.Context(), bytes.NewReader(data), int64(len(data)), &done, FinishOptions{}))
	f.Add(done.Bytes())
	s := plainSheet()
	s.edits = func(w *writer) { w.raw(words(2, 500, 1<<32-1, 1<<16, 400, 80, 1<<16)) }
	f.Add(ordinary(s, sheet{entry: g711("alaw", 1), handler: "soun", scale: 8000, boxes: func(w *writer) {
		numbers(w, "stts", 0, 1, 400, 1)
		numbers(w, "ctts", 1, 0)
		numbers(w, "stsc", 0, 1, 1, 400, 1)
		numbers(w, "stz2", 0, 8, 0)
		numbers(w, "co64", 0, 1, 0, 308)
	}}))
	f.Add(hostileFragments(5, 2))
	opus := reel.Encode(f, media.Opus)
	f.Add(mux(f, []*media.Track{opus.Track}, opus.Packets[:5]).file)
}

// checkFile reads a file as a player does.
func checkFile(t *testing.T, f *File, size int) {
	t.Helper()
	require.NotEmpty(t, f.Tracks())
	require.LessOrEqual(t, len(f.Tracks()), maxTracks)
	require.GreaterOrEqual(t, f.Duration(), time.Duration(0))
	c := f.Cursor()
	last, total := time.Duration(0), 0
	for range 10_000 {
		p, err := c.ReadPacket()
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break
		}
		require.GreaterOrEqual(t, p.DTS, last)
		require.GreaterOrEqual(t, p.PTS, p.DTS)
		require.LessOrEqual(t, p.DTS, f.Duration())
		require.NotEmpty(t, p.Data)
		last, total = p.DTS, total+len(p.Data)
	}
	require.LessOrEqual(t, total, 4*size+16)
	for _, at := range []time.Duration{-1, 0, time.Second, f.Duration() / 2, f.Duration(), 1<<63 - 1, -1 << 63} {
		begins := c.Seek(at)
		p, err := c.ReadPacket()
		if err == nil {
			require.GreaterOrEqual(t, p.DTS, begins)
		}
	}
}

// checkParts makes segments of a file, and joins them to one that can be read.
func checkParts(t *testing.T, f *File) {
	t.Helper()
	var j Joiner
	n := 0
	for r := range f.Cut(f.Range(0, f.Duration()), f.Duration()/3) {
		if n++; n > 10 {
			break
		}
		require.Less(t, r.First, r.End)
		c, err := f.Segment(r, 0)
		if errors.Is(err, ErrLong) {
			return
		}
		require.NoError(t, err)
		_, err = c.ReadAt(make([]byte, c.Size()), 0)
		require.NoError(t, err)
		if err := j.Add(f, r, f.r); err != nil {
			require.True(t, errors.Is(err, ErrMixed) || errors.Is(err, ErrLong), err)
			return
		}
	}
	c, err := j.Content()
	if errors.Is(err, ErrEmpty) {
		return
	}
	require.NoError(t, err)
	x, err := Open(c, c.Size())
	require.NoError(t, err)
	require.NotEmpty(t, x.Tracks())
}

// Whatever a file has, it is read or refused.
func FuzzOpen(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Open(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			require.True(t, errors.Is(err, ErrMalformed) || errors.Is(err, ErrNoMovie) || errors.Is(err, ErrNoTracks), err)
			return
		}
		checkFile(t, file, len(data))
		checkParts(t, file)
	})
}

// Whatever a fragmented file has, what it becomes has the same packets.
func FuzzFinish(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		var out bytes.Buffer
		err := Finish(t.Context(), bytes.NewReader(data), int64(len(data)), &out, FinishOptions{})
		if err != nil {
			require.Zero(t, out.Len())
			return
		}
		before, after := openFile(t, data), openFile(t, out.Bytes())
		require.False(t, after.Fragmented())
		checkFile(t, after, out.Len())
		want, got := byTrack(readAll(t, before.Cursor())), byTrack(readAll(t, after.Cursor()))
		require.Len(t, got, len(want))
		for i := range want {
			require.Len(t, got[i], len(want[i]))
			for j, p := range want[i] {
				q := got[i][j]
				require.True(t, bytes.Equal(p.Data, q.Data))
				require.Equal(t, p.Key, q.Key)
				require.InDelta(t, p.DTS-want[i][0].DTS, q.DTS-got[i][0].DTS, 2)
				require.InDelta(t, p.PTS-want[i][0].PTS, q.PTS-got[i][0].PTS, 2)
			}
		}
	})
}
