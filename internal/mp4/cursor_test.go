package mp4

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// Seek goes to the key frame that is not after the time, and sound goes on from there.
func TestSeek(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264B())
	data := mux(t, tracks, packets).file
	for _, f := range []*File{openFile(t, data), openFile(t, finish(t, data, FinishOptions{}))} {
		all := readAll(t, f.Cursor())
		c := f.Cursor()
		for _, at := range []time.Duration{0, -time.Hour, 1, 1000 * ms, 1999 * ms, 2000 * ms, 2001 * ms, 5000 * ms, time.Hour} {
			var key *media.Packet
			for _, p := range all {
				if p.Key && (key == nil || p.DTS <= at) {
					key = p
				}
			}
			require.Equal(t, key.DTS, c.Seek(at))
			var want []*media.Packet
			for _, p := range all {
				if p.DTS >= key.DTS {
					want = append(want, p)
				}
			}
			require.Equal(t, want, readAll(t, c))
		}
	}
}

// Without video Seek goes to the sound at that time.
func TestSeekSound(t *testing.T) {
	_, packets := reel.Load(t, testmedia.H264())
	sound := byTrack(packets)[1]
	f := openFile(t, mux(t, []*media.Track{sound[0].Track}, sound).file)
	all := readAll(t, f.Cursor())
	c := f.Cursor()
	for i, p := range all {
		require.Equal(t, p.DTS, c.Seek(p.DTS))
		require.Equal(t, p.DTS, c.Seek(p.DTS+time.Millisecond))
		got, err := c.ReadPacket()
		require.NoError(t, err)
		require.Equal(t, all[i], got)
	}
}

// Many read a file at the same time.
func TestCursorsShare(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	f := openFile(t, mux(t, tracks, packets).file)
	first := f.Cursor()
	first.Seek(0)
	want := readAll(t, first)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := f.Cursor()
			c.Seek(time.Duration(i) * time.Second)
			readAll(t, c)
			c.Seek(0)
			if got := readAll(t, c); len(got) != len(want) {
				t.Error("not all")
			}
		})
	}
	wg.Wait()
}

// shrinking is a file that is shorter than it was.
type shrinking struct {
	io.ReaderAt
	size int64
	err  error
}

func (s *shrinking) ReadAt(b []byte, at int64) (int, error) {
	if at+int64(len(b)) > s.size {
		return 0, s.err
	}
	return s.ReaderAt.ReadAt(b, at)
}

// An error of the file is the cursor's, and Finish's.
func TestReadErrors(t *testing.T) {
	tracks, packets := reel.Load(t, testmedia.H264())
	data := mux(t, tracks, packets).file
	broken := errors.New("broken")
	for given, want := range map[error]error{io.EOF: io.ErrUnexpectedEOF, broken: broken} {
		r := &shrinking{bytes.NewReader(data), int64(len(data)), given}
		f, err := Open(r, int64(len(data)))
		require.NoError(t, err)
		r.size /= 2
		c := f.Cursor()
		for err == nil {
			_, err = c.ReadPacket()
		}
		require.ErrorIs(t, err, want)
		_, err = Open(r, int64(len(data)))
		require.ErrorIs(t, err, want)
		require.ErrorIs(t, Finish(t.Context(), r, int64(len(data)), io.Discard, FinishOptions{}), want)
	}
}
