package cookbook

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/relay"
)

// Who has the token may have recordings and streams, nobody else; and the API records.
func TestToken(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "record", "live"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "record", "live", "x.mp4"), []byte("a film"), 0o600))
	m := newMedia(t, media.Config{Hooks: []hook.Hook{token("abc")}, PlayWait: -1})
	defer m.Close()
	r, err := record.New(m, record.Config{Dir: dir})
	require.NoError(t, err)
	h, err := recordings(m, r, dir)
	require.NoError(t, err)
	for query, code := range map[string]int{"": 401, "?token=x": 401, "?token=abc": 200} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/record/live/x.mp4"+query, nil))
		require.Equal(t, code, w.Code, query)
	}
	_, err = m.Play(t.Context(), media.PlayRequest{Stream: media.StreamKey{App: "live", Name: "x"}, Params: "token=x"})
	require.ErrorContains(t, err, "a token is needed")
	pulls, err := relay.New(m, relay.Config{})
	require.NoError(t, err)
	calls, err := control(m, r, pulls, "s")
	require.NoError(t, err)
	w := httptest.NewRecorder()
	calls.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/index/api/listStreamProxy?secret=s", nil))
	require.Contains(t, w.Body.String(), `"code": 0`)
}

func TestRecording(t *testing.T) {
	dir := t.TempDir()
	m, r, err := recording(dir)
	require.NoError(t, err)
	defer m.Close()
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	src := c.Source()
	key := media.StreamKey{App: "live", Name: "door"}
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: key})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(src.Tracks()...))
	require.Eventually(t, func() bool { return pub.Stream().Source("").IsRecordingMP4 }, patience, time.Millisecond)
	for range 200 {
		p, err := src.ReadPacket(t.Context())
		require.NoError(t, err)
		require.NoError(t, pub.WritePacket(p))
	}
	time.Sleep(100 * time.Millisecond) // what has come until now is recorded
	path, err := event(t.Context(), r, key, "bell")
	require.NoError(t, err)
	require.Equal(t, filepath.Join(dir, "record", "live", "door", "events", "bell.mp4"), path)
	require.NoError(t, r.Shutdown(t.Context()))
	require.FileExists(t, path)
	files, err := today(t.Context(), r, key)
	require.NoError(t, err)
	require.Len(t, files, 1)
	h, err := recordings(m, r, dir)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/record/live/door?from="+strconv.FormatInt(time.Now().Unix()-60, 10), nil))
	require.Equal(t, http.StatusOK, w.Code)
	require.Contains(t, w.Body.String(), "#EXT-X-ENDLIST")
}

// A finished file is copied, over what an earlier attempt has left.
func TestArchive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.mp4")
	require.NoError(t, os.WriteFile(file, []byte("a film"), 0o600))
	a := archive(t.TempDir())
	for range 2 {
		require.NoError(t, a.Store(t.Context(), record.File{Path: file, Name: "record/live/door/2026-11-27/x.mp4"}))
		got, err := os.ReadFile(filepath.Join(string(a), "record", "live", "door", "2026-11-27", "x.mp4"))
		require.NoError(t, err)
		require.Equal(t, "a film", string(got))
	}
	require.Error(t, a.Store(t.Context(), record.File{Path: file + ".gone", Name: "x.mp4"}))
}
