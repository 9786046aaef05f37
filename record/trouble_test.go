package record

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// flaky is a file on a disk that fails, or takes its time.
type flaky struct {
	file
	fails  *atomic.Bool
	stalls *atomic.Pointer[chan struct{}]
}

func (f *flaky) Write(b []byte) (int, error) {
	if f.fails.Load() {
		return 0, syscall.ENOSPC
	}
	if c := f.stalls.Load(); c != nil {
		<-*c
	}
	return f.file.Write(b)
}

// troubles notes what happens to recordings.
type troubles struct {
	mu   sync.Mutex
	list []Event
}

func (n *troubles) note(e Event) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = append(n.list, e)
}

func (n *troubles) whats() (list []What) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, e := range n.list {
		list = append(list, e.What)
	}
	return list
}

// A recording that a disk does not take goes on when it does again, in another file. That is said once, and what is missing is in no
// file.
func TestDiskFull(t *testing.T) { synctest.Test(t, testDiskFull) }

func testDiskFull(t *testing.T) {
	var fails atomic.Bool
	var stalls atomic.Pointer[chan struct{}]
	notes := &troubles{}
	s := newStage(t, Config{Notify: notes.note})
	s.r.create = func(path string) (file, error) {
		if fails.Load() {
			return nil, syscall.ENOSPC
		}
		f, err := createFile(path)
		return &flaky{f, &fails, &stalls}, err
	}
	tracks, packets := reel.Load(t, testmedia.H264())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	const length = 6 * time.Second
	write(t, pub, packets, length, 1)
	fails.Store(true)
	at := length
	more := func() {
		for _, p := range packets {
			x := *p
			x.DTS, x.PTS = x.DTS+at, x.PTS+at
			require.NoError(t, pub.WritePacket(&x))
		}
		at += length
	}
	more()
	require.Eventually(t, func() bool { return len(notes.whats()) == 1 }, 10*time.Second, time.Millisecond)
	more()
	fails.Store(false)
	require.Eventually(t, func() bool {
		more()
		time.Sleep(100 * time.Millisecond)
		return len(notes.whats()) == 2
	}, 30*time.Second, time.Millisecond)
	pub.Close(nil)
	require.Equal(t, []What{Failed, Resumed}, notes.whats())
	require.ErrorIs(t, notes.list[0].Err, syscall.ENOSPC)

	told := s.obs.await(t, 2)
	require.Positive(t, notes.list[1].Lost)
	require.Less(t, told[0].Length, length+time.Second)
	_, list := readFile(t, told[1].FilePath)
	require.Equal(t, time.Duration(0), list[0].DTS)
	first := slices.IndexFunc(list, func(p *media.Packet) bool { return p.Track.Codec.Video() })
	require.True(t, list[first].Key)
}

// A directory that is not there, or read-only, is tried again.
func TestNoDirectory(t *testing.T) { synctest.Test(t, testNoDirectory) }

func testNoDirectory(t *testing.T) {
	notes := &troubles{}
	s := newStage(t, Config{Notify: notes.note})
	wall := filepath.Join(s.dir, "record")
	require.NoError(t, os.WriteFile(wall, nil, 0o600))
	tracks, packets := reel.Load(t, testmedia.H264())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	write(t, pub, packets, 6*time.Second, 1)
	require.Eventually(t, func() bool { return len(notes.whats()) == 1 }, 10*time.Second, time.Millisecond)
	require.True(t, s.r.Recording(s.key, MP4), "it goes on")
	require.NoError(t, os.Remove(wall))
	n := 1
	require.Eventually(t, func() bool {
		for _, p := range packets {
			x := *p
			x.DTS, x.PTS = x.DTS+time.Duration(n)*6*time.Second, x.PTS+time.Duration(n)*6*time.Second
			require.NoError(t, pub.WritePacket(&x))
		}
		n++
		time.Sleep(100 * time.Millisecond)
		return len(notes.whats()) == 2
	}, 30*time.Second, time.Millisecond)
	pub.Close(nil)
	s.obs.await(t, 1)
}

// A disk that stalls is said, and does not hold the stream up.
func TestStalls(t *testing.T) { synctest.Test(t, testStalls) }

func testStalls(t *testing.T) {
	var fails atomic.Bool
	var stalls atomic.Pointer[chan struct{}]
	notes := &troubles{}
	s := newStage(t, Config{Notify: notes.note})
	s.r.create = func(path string) (file, error) {
		f, err := createFile(path)
		return &flaky{f, &fails, &stalls}, err
	}
	tracks, packets := reel.Load(t, testmedia.H264())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	st, _ := s.m.Stream(s.key)
	r := st.Read()
	defer r.Close()
	write(t, pub, packets, 6*time.Second, 1)
	release := make(chan struct{})
	stalls.Store(&release)
	begun := time.Now()
	n := 0
	require.Eventually(t, func() bool {
		n++
		for _, p := range packets {
			x := *p
			x.DTS, x.PTS = x.DTS+time.Duration(n)*6*time.Second, x.PTS+time.Duration(n)*6*time.Second
			require.NoError(t, pub.WritePacket(&x))
		}
		time.Sleep(20 * time.Millisecond)
		return len(notes.whats()) > 0
	}, 30*time.Second, time.Millisecond)
	require.GreaterOrEqual(t, time.Since(begun), stallTime)
	require.Equal(t, []What{Stalled}, notes.whats())
	stalls.Store(nil)
	close(release)
	require.Eventually(t, func() bool { return len(notes.whats()) == 2 }, 30*time.Second, time.Millisecond)
	require.Equal(t, Resumed, notes.whats()[1])
	pub.Close(nil)
	require.Positive(t, notes.list[1].Lost)
	s.obs.await(t, 2)
}
