package rtsp_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// A stream of which RTP can carry nothing is not there, and players need not wait for it.
func TestStreamThatRTPCannotCarry(t *testing.T) {
	m, addr := start(t, media.Config{PlayWait: patience}, rtsp.Config{})
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "adpcm"}})
	require.NoError(t, err)
	defer pub.Close(nil)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.ADPCM, ClockRate: 8000, SampleRate: 8000, Channels: 1}))
	require.Empty(t, pub.Stream().Schemas())
	require.Contains(t, status(request(t, dial(t, addr), "DESCRIBE rtsp://"+addr+"/live/adpcm RTSP/1.0\nCSeq: 1")), "404")
}
