package s3

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

const patience = time.Minute

// studio is a server that records, and tells of what is finished.
type studio struct {
	t    *testing.T
	m    *media.Server
	key  media.StreamKey
	told chan finished
}

// finished is a file that is there, and what is in it.
type finished struct {
	ev   *hook.RecordEvent
	data []byte
}

func (s *studio) OnRecordMP4(_ context.Context, ev *hook.RecordEvent) {
	data, _ := os.ReadFile(ev.FilePath) // it is told of before it is stored
	s.told <- finished{ev, data}
}

func newStudio(t *testing.T) *studio {
	t.Helper()
	s := &studio{t: t, key: media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "cam"}, told: make(chan finished, 10)}
	var err error
	s.m, err = media.New(media.Config{
		Hooks: []hook.Hook{s}, Logger: slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.m.Close()) })
	return s
}

// recorder begins to record.
func (s *studio) recorder(dir string, store *Store) *record.Recorder {
	s.t.Helper()
	r, err := record.New(s.m, record.Config{Dir: dir, Store: store, DeleteStored: true})
	require.NoError(s.t, err)
	s.t.Cleanup(func() { require.NoError(s.t, r.Close()) })
	return r
}

// record records a stream of six seconds, which comes all at once.
func (s *studio) record(r *record.Recorder) finished {
	s.t.Helper()
	tracks, packets := reel.Load(s.t, testmedia.H264B())
	pub, err := s.m.Publish(s.t.Context(), media.PublishRequest{Stream: s.key, Schema: "rtmp"})
	require.NoError(s.t, err)
	require.NoError(s.t, pub.SetTracks(tracks...))
	require.NoError(s.t, r.Start(s.t.Context(), record.Request{Stream: s.key, Kind: record.MP4}))
	for _, p := range packets {
		require.NoError(s.t, pub.WritePacket(p))
	}
	pub.Close(nil)
	select {
	case f := <-s.told:
		require.NotEmpty(s.t, f.data)
		return f
	case <-time.After(patience):
		require.Fail(s.t, "nothing was recorded")
	}
	return finished{}
}

// gone waits until the file is gone, and requires that the object was there before.
func (s *studio) gone(srv *server, dir string, f finished) {
	s.t.Helper()
	name, err := filepath.Rel(dir, f.ev.FilePath)
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		_, err := os.Stat(f.ev.FilePath)
		return os.IsNotExist(err)
	}, patience, 5*time.Millisecond)
	got, about := srv.object(filepath.ToSlash(name))
	require.Equal(s.t, f.data, got)
	require.Equal(s.t, s.key.String(), about["X-Amz-Meta-Stream"])
	require.NotEmpty(s.t, about["X-Amz-Meta-Length-Ms"])
}

// A recording is at the server, byte by byte, before it is deleted here.
func TestRecorder(t *testing.T) {
	srv, s, dir := newServer(t, nil), newStudio(t), t.TempDir()
	here := make(chan bool, 1)
	srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if r.Method == http.MethodPut {
			left, _ := filepath.Glob(filepath.Join(dir, "record/live/cam/*/*.mp4"))
			here <- len(left) == 1
		}
		to.ServeHTTP(w, r)
	})
	r := s.recorder(dir, srv.store())
	f := s.record(r)
	s.gone(srv, dir, f)
	require.True(t, <-here)
}

// What could not be stored while the server was away is stored by the next recorder.
func TestRecorderRestarts(t *testing.T) {
	srv, s, dir := newServer(t, nil), newStudio(t), t.TempDir()
	asked := make(chan struct{}, 1000)
	srv.between(func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		hangUp(w)
		asked <- struct{}{}
	})
	r := s.recorder(dir, srv.store())
	f := s.record(r)
	<-asked
	require.NoError(t, r.Close())
	require.FileExists(t, f.ev.FilePath)

	srv.between(nil)
	s.recorder(dir, srv.store())
	s.gone(srv, dir, f)
}
