package mp4

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
)

// Wherever a segment is cut, what is whole of it are the fragments up to there; its times are those of the stream.
func TestMeasureSegment(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	for _, p := range packets {
		p.DTS, p.PTS = p.DTS+time.Hour, p.PTS+time.Hour
	}
	s := mux(t, tracks, packets[:100])
	init, segment := s.file[:s.ends[0]], s.file[s.ends[0]:]
	for cut := 0; cut <= len(segment); cut += 97 {
		whole, n := 0, 0
		for _, end := range s.ends[1:] {
			if end-len(init) <= cut {
				whole, n = end-len(init), n+1
			}
		}
		x, err := MeasureSegment(init, bytes.NewReader(segment[:cut]), int64(cut))
		if n == 0 {
			require.ErrorIs(t, err, ErrEmpty)
			continue
		}
		require.NoError(t, err)
		require.EqualValues(t, whole, x.Size)
		require.InDelta(t, time.Hour, x.First, float64(time.Second))
		again, err := MeasureSegment(init, bytes.NewReader(segment[:x.Size]), x.Size)
		require.NoError(t, err)
		require.Equal(t, x, again)
	}
	x, err := MeasureSegment(init, bytes.NewReader(segment), int64(len(segment)))
	require.NoError(t, err)
	require.InDelta(t, packets[99].DTS, x.End, float64(60*time.Millisecond))

	_, err = MeasureSegment(nil, bytes.NewReader(segment), int64(len(segment)))
	require.ErrorIs(t, err, ErrNoMovie)
	_, err = MeasureSegment(init, bytes.NewReader(make([]byte, 5000)), 5000)
	require.ErrorIs(t, err, ErrEmpty)
}

// Whatever is measured, it lies in the segment, and is the same again.
func FuzzMeasureSegment(f *testing.F) {
	tracks, packets := reel.Load(f, testmedia.H264())
	s := mux(f, tracks, packets[:20])
	init := s.file[:s.ends[0]]
	f.Add(init, s.file[s.ends[0]:])
	f.Add(init, s.file[s.ends[0]:s.ends[3]+30])
	f.Add([]byte{}, []byte("\x00\x00\x00\x08moof\x00\x00\x00\x08mdat"))
	f.Fuzz(func(t *testing.T, init, segment []byte) {
		x, err := MeasureSegment(init, bytes.NewReader(segment), int64(len(segment)))
		if err != nil {
			require.True(t, errors.Is(err, ErrMalformed) || errors.Is(err, ErrNoMovie) || errors.Is(err, ErrNoTracks) || errors.Is(err, ErrEmpty), err)
			return
		}
		require.Positive(t, x.Size)
		require.LessOrEqual(t, x.Size, int64(len(segment)))
		again, err := MeasureSegment(init, bytes.NewReader(segment[:x.Size]), x.Size)
		require.NoError(t, err)
		require.Equal(t, x, again)
	})
}
