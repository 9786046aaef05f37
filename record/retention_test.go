package record

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// The oldest files go when they are too old or all are too large, but none that is being played, and nothing that is no recording.
func TestRetention(t *testing.T) {
	dir := t.TempDir()
	day := filepath.Join(dir, "record/live/cam/2026-11-20")
	other := filepath.Join(dir, "record/live/old/2026-01-01")
	now := time.Now()
	put := func(dir, name string, size int, age time.Duration) string {
		require.NoError(t, os.MkdirAll(dir, 0o700))
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, make([]byte, size), 0o600))
		require.NoError(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
		return path
	}
	old := put(other, "2026-01-01-00-00-00-0.mp4", 10, 30*time.Hour)
	played := put(day, "2026-11-20-00-00-00-0.mp4", 100, 20*time.Hour)
	first := put(day, "2026-11-20-01-00-00-0.mp4", 100, 10*time.Hour)
	second := put(day, "2026-11-20-02-00-00-0.mp4", 100, 5*time.Hour)
	foreign := put(filepath.Dir(day), "notes.mp4", 1000, 100*time.Hour)
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	r, err := New(m, Config{Dir: dir})
	require.NoError(t, err)
	defer r.Close()
	r.finisher.running.Wait()
	hidden := put(day, ".2026-11-20-03-00-00-0.mp4", 1000, 100*time.Hour)
	r.cfg.MaxAge, r.cfg.MaxBytes = 24*time.Hour, 250
	r.shelf.books[bookKey{path: played}] = &book{users: 1}
	r.finisher.sweep(now)
	delete(r.shelf.books, bookKey{path: played})
	require.NoFileExists(t, old)
	require.NoDirExists(t, filepath.Dir(other))
	require.FileExists(t, played)
	require.NoFileExists(t, first)
	require.FileExists(t, second)
	require.FileExists(t, foreign)
	require.FileExists(t, hidden)

	// A recorder looks at once when it begins.
	again, err := New(m, Config{Dir: dir, MaxBytes: 150})
	require.NoError(t, err)
	require.NoError(t, again.Shutdown(t.Context()))
	require.NoFileExists(t, played)
	require.FileExists(t, second)
}
