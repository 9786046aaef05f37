package rtsp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// A stream to push is found without its virtual host, if that is the default one.
func TestPushFindsStreamOfDefaultVHost(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	key := media.StreamKey{App: "live", Name: "a"}
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: key})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.H264}))
	err = rtsp.Push(t.Context(), m, key, "http://127.0.0.1", rtsp.ClientConfig{})
	require.Error(t, err, "the URL is none of RTSP's")
	require.NotErrorIs(t, err, media.ErrStreamNotFound)
}
