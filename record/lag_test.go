package record

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// slowObserver takes its time with each file.
type slowObserver struct {
	takes time.Duration
	mu    sync.Mutex
	told  []string
}

func (o *slowObserver) OnRecordTS(_ context.Context, ev *hook.RecordEvent) {
	time.Sleep(o.takes)
	o.mu.Lock()
	defer o.mu.Unlock()
	o.told = append(o.told, ev.Stream.Name+" "+ev.FileName)
}

func (o *slowObserver) list() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return append([]string(nil), o.told...)
}

// leave makes n files of a stream as a crash leaves them, and returns what is to be told of them.
func leave(t *testing.T, dir, stream string, n int) (want []string) {
	t.Helper()
	day := filepath.Join(dir, "record", "live", stream, "2026-11-27")
	require.NoError(t, os.MkdirAll(day, 0o755))
	for i := range n {
		name := fmt.Sprintf("2026-11-27-10-00-00-%04d.ts", i)
		require.NoError(t, os.WriteFile(filepath.Join(day, "."+name), bytes.Repeat([]byte{0x47}, smallest), 0o644))
		want = append(want, stream+" "+name)
	}
	return want
}

// newSlowStage is a stage whose only observer is slow.
func newSlowStage(t *testing.T, dir string, o *slowObserver) *stage {
	t.Helper()
	return newStage(t, Config{Dir: dir}, func(c *media.Config) { c.Hooks = []hook.Hook{o} })
}

// More files than events are kept for observers are finished as fast as those take the news: of each, once and in order. Other
// streams do not wait for that.
func TestFinisherWaitsForObservers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		want := leave(t, dir, "cam", 1500)
		other := leave(t, dir, "other", 1)
		o := &slowObserver{takes: 100 * time.Millisecond}
		s := newSlowStage(t, dir, o)
		time.Sleep(10 * time.Second)
		require.Contains(t, o.list(), other[0])
		require.Greater(t, len(hiddenFiles(t, dir)), 500, "no more is finished than can be told")
		require.NoError(t, s.r.Shutdown(t.Context()))
		require.Empty(t, hiddenFiles(t, dir), "it waits to the end")
		require.NoError(t, s.m.Shutdown(t.Context()))
		var told []string
		for _, name := range o.list() {
			if name != other[0] {
				told = append(told, name)
			}
		}
		require.Equal(t, want, told)
		require.Len(t, o.list(), len(want)+1)
	})
}

// What observers had no time for is finished, and told, after the next start.
func TestFinisherLeavesWhatObserversHadNoTimeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		want := leave(t, dir, "cam", 1500)
		first := &slowObserver{takes: 10 * time.Millisecond}
		s := newSlowStage(t, dir, first)
		time.Sleep(2 * time.Second)
		require.NoError(t, s.r.Close())
		require.NoError(t, s.m.Shutdown(t.Context()))
		require.Less(t, len(first.list()), len(want))
		require.Len(t, hiddenFiles(t, dir), len(want)-len(first.list()))

		second := &slowObserver{}
		s = newSlowStage(t, dir, second)
		require.NoError(t, s.r.Shutdown(t.Context()))
		require.NoError(t, s.m.Shutdown(t.Context()))
		require.Equal(t, want, append(first.list(), second.list()...))
	})
}
