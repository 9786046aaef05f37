package cookbook

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

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
	require.NoError(t, r.Shutdown(t.Context()))
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
