package record

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
)

// scarce is a file on a disk that has room for the beginning of a file, and for no more of one.
type scarce struct {
	file
	room *int
	left int
}

func (f *scarce) Write(b []byte) (int, error) {
	if *f.room > 0 || f.left >= len(b) {
		f.left -= len(b)
		*f.room = max(*f.room-len(b), 0)
		return f.file.Write(b)
	}
	return 0, syscall.ENOSPC
}

// On a disk that is full but for a little the recording fails once and goes on once, whatever can be begun meanwhile, and what is missing is
// counted.
func TestAlmostFullDisk(t *testing.T) { synctest.Test(t, testAlmostFullDisk) }

func testAlmostFullDisk(t *testing.T) {
	notes := &troubles{}
	s := newStage(t, Config{Notify: notes.note})
	room := 1 << 20
	s.r.create = func(path string) (file, error) {
		f, err := createFile(path)
		return &scarce{f, &room, 4096}, err
	}
	tracks, packets := reel.Load(t, testmedia.H264())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	const length = 6 * time.Second
	rounds := time.Duration(0)
	write6 := func() {
		begun := time.Now()
		for _, p := range packets {
			x := *p
			x.DTS, x.PTS = x.DTS+rounds*length, x.PTS+rounds*length
			time.Sleep(time.Until(begun.Add(p.DTS)))
			require.NoError(t, pub.WritePacket(&x))
		}
		time.Sleep(time.Until(begun.Add(length)))
		rounds++
	}
	write6()
	room = 0
	for range 10 {
		write6()
	}
	require.Equal(t, []What{Failed}, notes.whats())
	require.LessOrEqual(t, len(hiddenFiles(t, s.dir)), 2)
	room = 1 << 30
	write6()
	write6()
	pub.Close(nil)
	told := s.obs.await(t, 2)
	require.Equal(t, []What{Failed, Resumed}, notes.whats())
	written := 0
	for _, ev := range told {
		_, list := readFile(t, ev.FilePath)
		written += len(list)
	}
	require.InDelta(t, int(rounds)*len(packets), written+int(notes.list[1].Lost), 8)
}
