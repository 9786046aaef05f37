package gb28181_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

// What cannot be received has no port.
func TestCannotOpen(t *testing.T) {
	t.Parallel()
	_, s := start(t, media.Config{}, gb28181.Config{})
	for _, r := range []gb28181.Request{
		{Mode: -1}, {Mode: gb28181.TCPActive + 1}, {Tracks: -1}, {Tracks: gb28181.VideoOnly + 1}, {Port: -1}, {Port: 65535}, {Port: 65536},
	} {
		r.Stream = camera
		_, err := s.Open(t.Context(), r)
		require.Error(t, err, "%+v", r)
		require.NotErrorIs(t, err, media.ErrNoPorts, "%+v", r)
	}
	for _, key := range []media.StreamKey{{App: "rtp"}, {Name: "camera"}, {App: "rtp", Name: strings.Repeat("x", 8<<10+1)}} {
		_, err := s.Open(t.Context(), gb28181.Request{Stream: key})
		require.ErrorIs(t, err, media.ErrBadName)
	}
	require.Empty(t, s.Ports())
}
