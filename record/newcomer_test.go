package record

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
)

// While a publisher is away nothing is recorded, and no file says that it was: what comes when it is back is in a file of that time.
func TestOutageIsAGap(t *testing.T) { synctest.Test(t, testOutageIsAGap) }

func testOutageIsAGap(t *testing.T) {
	s := newStage(t, Config{}, func(c *media.Config) { c.Options = hook.StreamOptions{ContinuePush: new(time.Minute)} })
	tracks, packets := reel.Load(t, testmedia.H264B())
	begun := time.Now()
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	write(t, pub, packets, 6*time.Second, 1)
	pub.Close(errors.New("the camera has lost its power"))
	const away = 10 * time.Second
	time.Sleep(away)
	pub = s.publish(tracks)
	back := time.Now()
	write(t, pub, packets, 6*time.Second, 1)
	pub.Close(nil)
	told := s.obs.await(t, 2)
	require.WithinDuration(t, begun, told[0].Start, time.Second)
	require.WithinDuration(t, back, told[1].Start, 2500*time.Millisecond) // the next key frame
	for _, ev := range told {
		require.LessOrEqual(t, ev.Length, 7*time.Second)
	}
	spans, err := s.r.Library().Timeline(t.Context(), s.key, begun.Add(-time.Minute), time.Now())
	require.NoError(t, err)
	require.Len(t, spans, 2)
	require.Greater(t, spans[1].Start.Sub(spans[0].End()), away/2)
}

// failing is a store that is away.
type failing struct{ err error }

func (f failing) Store(context.Context, File) error { return f.err }

// What the store has not taken is not deleted, however old it is.
func TestOldButNotStored(t *testing.T) { synctest.Test(t, testOldButNotStored) }

func testOldButNotStored(t *testing.T) {
	s := newStage(t, Config{MaxAge: time.Hour, Store: failing{errors.New("the store is away")}})
	file := s.recorded(1)[0].FilePath
	require.NoError(t, os.Chtimes(file, time.Now(), time.Now())) // the system has another clock than the bubble
	time.Sleep(5 * time.Hour)
	require.FileExists(t, file)
	require.NoError(t, os.Remove(mark(file))) // as if it had been taken
	time.Sleep(2 * time.Hour)
	require.NoFileExists(t, file)
}

// A server that is shut down ends its recorders, and tells what they have finished.
func TestEndsWithTheServer(t *testing.T) { synctest.Test(t, testEndsWithTheServer) }

func testEndsWithTheServer(t *testing.T) {
	s := newStage(t, Config{})
	tracks, packets := reel.Load(t, testmedia.H264())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	write(t, pub, packets, 6*time.Second, 1)
	require.NoError(t, s.m.Shutdown(t.Context()))
	require.Len(t, s.obs.told, 1)
	require.FileExists(t, s.obs.told[0].FilePath)
	require.ErrorIs(t, s.r.Start(t.Context(), Request{Stream: s.key}), media.ErrStreamNotFound)
	_, err := New(s.m, Config{Dir: s.dir})
	require.ErrorIs(t, err, media.ErrServerClosed)
}

// A clip that cannot be written is an error of the call; a file that is being written can be played by its name.
func TestClipsAndGrowingFiles(t *testing.T) { synctest.Test(t, testClipsAndGrowingFiles) }

func testClipsAndGrowingFiles(t *testing.T) {
	s := newStage(t, Config{})
	tracks, packets := reel.Load(t, testmedia.H264())
	pub := s.publish(tracks)
	require.NoError(t, s.r.Start(t.Context(), Request{Stream: s.key}))
	begun := time.Now()
	write(t, pub, packets, 6*time.Second, 1)
	blocked := filepath.Join(s.dir, "blocked")
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	_, err := s.r.Clip(t.Context(), ClipRequest{Stream: s.key, Path: filepath.Join(blocked, "alarm.mp4")})
	require.Error(t, err)

	spans, err := s.r.Library().Timeline(t.Context(), s.key, begun.Add(-time.Minute), time.Now())
	require.NoError(t, err)
	require.Len(t, spans, 1)
	require.True(t, spans[0].Growing)
	rel, err := filepath.Rel(filepath.Join(s.dir, "record"), spans[0].Path)
	require.NoError(t, err)
	p, err := s.play(filepath.ToSlash(rel))
	require.NoError(t, err)
	list := read(t, p, func(x *media.Packet) bool { return x.DTS > 2*time.Second })
	require.True(t, bytes.Equal(packets[0].Data, list[0].Data) || bytes.Equal(packets[1].Data, list[0].Data))
	p.Close(nil)
	pub.Close(nil)
	s.obs.await(t, 1)
}
