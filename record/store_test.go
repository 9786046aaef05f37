package record

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
)

// shop is a store that is away for some time.
type shop struct {
	mu     sync.Mutex
	fails  int
	panics int
	got    []File
	tried  int
}

func (s *shop) Store(_ context.Context, f File) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tried++
	if s.fails > 0 {
		s.fails--
		return errors.New("away")
	}
	if s.panics > 0 {
		s.panics--
		panic("a store's code")
	}
	if _, err := os.Stat(f.Path); err != nil {
		return err
	}
	s.got = append(s.got, f)
	return nil
}

func (s *shop) files() []File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]File(nil), s.got...)
}

// Finished files are stored, again and again until that works, also by the next recorder; then they are deleted, if that is wanted.
func TestStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := &shop{fails: 1 << 30}
		s := newStage(t, Config{Store: away})
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
		write(t, pub, packets, 6*time.Second, 1)
		pub.Close(nil)
		ev := s.obs.await(t, 1)[0]
		time.Sleep(time.Hour)
		require.NoError(t, s.r.Shutdown(t.Context()))
		require.Empty(t, away.files())
		require.InDelta(t, 9+12, away.tried, 3, "twice as long each time, up to five minutes")
		require.Len(t, hiddenFiles(t, s.dir), 1)

		back := &shop{fails: 2, panics: 1}
		r, err := New(s.m, Config{Dir: s.dir, Store: back, DeleteStored: true})
		require.NoError(t, err)
		time.Sleep(time.Minute)
		require.NoError(t, r.Shutdown(t.Context()))
		day := filepath.Base(filepath.Dir(ev.FilePath))
		require.Equal(t, []File{{
			Path: ev.FilePath, Name: "record/live/cam/" + day + "/" + ev.FileName, Stream: s.key,
			Start: time.UnixMicro(ev.Start.UnixMicro()), Length: ev.Length, Size: ev.FileSize,
		}}, back.files())
		require.NoFileExists(t, ev.FilePath)
		require.Empty(t, hiddenFiles(t, s.dir))
		require.NoDirExists(t, filepath.Join(s.dir, "record", "live"), "a directory for each stream and day is left behind")
	})
}

// A directory that is removed because it is empty, just as a recording begins there, is made again: nothing is missing.
func TestEmptyDirectoryIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		notes := &troubles{}
		s := newStage(t, Config{Notify: notes.note})
		once := sync.OnceFunc(func() {
			removeEmpty(filepath.Join(s.dir, "record", "live", "cam", time.Now().Format(time.DateOnly)), s.dir)
		})
		s.r.create = func(path string) (file, error) {
			once()
			return createFile(path)
		}
		tracks, packets := reel.Load(t, testmedia.H264B())
		pub := s.publish(tracks)
		require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
		write(t, pub, packets, 6*time.Second, 1)
		pub.Close(nil)
		require.FileExists(t, s.obs.await(t, 1)[0].FilePath)
		require.Empty(t, notes.whats())
	})
}
