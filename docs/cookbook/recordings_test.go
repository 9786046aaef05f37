package cookbook

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

func TestRecording(t *testing.T) {
	m, r, err := recording(t.TempDir())
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
}
