package web_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// A stream of which FLV can carry nothing is not there, and viewers need not wait for it.
func TestStreamThatFLVCannotCarry(t *testing.T) {
	s := start(t, media.Config{PlayWait: patience}, web.Config{}, nil)
	pub, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "jpeg"}})
	require.NoError(t, err)
	defer pub.Close(nil)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.JPEG, ClockRate: 90000}))
	for _, request := range []string{get("/live/jpeg.live.flv", ""), upgrade("/live/jpeg.live.flv")} {
		_, r := s.send(t, request)
		reply, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		reply.Body.Close()
		if reply.StatusCode == http.StatusSwitchingProtocols {
			require.Equal(t, http.StatusNotFound, (&socket{t: t, r: r}).closed())
			continue
		}
		require.Equal(t, http.StatusNotFound, reply.StatusCode)
	}
	require.Empty(t, pub.Stream().Schemas())
}
