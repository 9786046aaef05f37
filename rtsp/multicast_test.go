package rtsp_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// Two pull the same stream by multicast.
func TestPullByMulticast(t *testing.T) {
	from, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, from)
	ended := make(chan error, 2)
	var to [2]*media.Server
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for i := range to {
		to[i], _ = relay(t, rtsp.Config{})
		go func() {
			ended <- rtsp.Pull(ctx, to[i], "rtsp://"+addr+"/live/test", testKey, rtsp.ClientConfig{Transport: rtsp.Multicast})
		}()
	}
	for i := range to {
		requireMedia(t, to[i], 30)
	}
	cancel()
	for range to {
		require.ErrorIs(t, <-ended, context.Canceled)
	}
}
