package mp4

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
)

// boundaries returns where boxes that begin at an offset end, and those in them.
func boundaries(b []byte, at int) (list []int) {
	for x := range boxesIn(b) {
		switch string(x.kind[:]) {
		case "moov", "trak", "mdia", "minf", "stbl", "mvex", "moof", "traf":
			list = append(list, boundaries(x.body, at+8)...)
		}
		at += len(x.whole)
		list = append(list, at)
	}
	return list
}

// However a fragmented file is cut, what is before the fragment that is cut is there.
func TestTruncation(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	packets = packets[:len(packets)/3] // each cut reads what is before it, several times
	s := mux(t, tracks, packets)
	whole := readAll(t, openFile(t, s.file).Cursor())
	cuts := []int{0, 7, 8, len(s.file)}
	for _, at := range boundaries(s.file, 0) {
		cuts = append(cuts, at, at+rand.IntN(8))
	}
	for range 200 {
		cuts = append(cuts, rand.IntN(len(s.file)))
	}
	counts := map[int]int{} // packets by how many fragments are whole
	for n := range s.ends {
		if n == 0 || n%10 == 0 {
			counts[n] = len(readAll(t, openFile(t, s.file[:s.ends[n]]).Cursor()))
		}
	}
	for _, cut := range cuts {
		cut = min(cut, len(s.file))
		data := s.file[:cut]
		n := -1
		for n+1 < len(s.ends) && s.ends[n+1] <= cut {
			n++
		}
		f, err := Open(bytes.NewReader(data), int64(cut))
		if n < 0 {
			require.ErrorIs(t, err, ErrNoMovie)
			continue
		}
		require.NoError(t, err, cut)
		got := readAll(t, f.Cursor())
		if want, ok := counts[n]; ok {
			require.Len(t, got, want, cut)
		}
		require.GreaterOrEqual(t, len(got), n, "a fragment has a picture")
		require.LessOrEqual(t, len(got), len(whole))
		var out bytes.Buffer
		err = Finish(t.Context(), bytes.NewReader(data), int64(cut), &out, FinishOptions{})
		if n == 0 {
			require.ErrorIs(t, err, ErrEmpty)
			require.Zero(t, out.Len())
			continue
		}
		require.NoError(t, err)
		if cut%5 == 0 {
			require.Equal(t, got, readAll(t, openFile(t, out.Bytes()).Cursor()))
		}
	}
}

// What a power cut leaves of a block is zeros: they end the file.
func TestZerosAtTheEnd(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	s := mux(t, tracks, packets)
	half := s.ends[len(s.ends)/2]
	want := readAll(t, openFile(t, s.file[:half]).Cursor())
	require.Equal(t, want, readAll(t, openFile(t, append(bytes.Clone(s.file[:half]), make([]byte, 9000)...)).Cursor()))
}

// An ordinary file that is cut in its media plays up to there.
func TestOrdinaryCut(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	done := finish(t, mux(t, tracks, packets).file, FinishOptions{})
	whole := byTrack(readAll(t, openFile(t, done).Cursor()))
	cut := byTrack(readAll(t, openFile(t, done[:len(done)/2]).Cursor()))
	for i := range whole {
		require.Less(t, len(cut[i]), len(whole[i]))
		require.Greater(t, len(cut[i]), len(whole[i])/4)
		for j, p := range cut[i] {
			require.Equal(t, whole[i][j].Data, p.Data)
		}
	}
}
