package cookbook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

func TestPullOnDemandByRelay(t *testing.T) {
	from := newMedia(t, media.Config{PlayWait: -1})
	publishClip(t, from, doorKey)
	m := newMedia(t, media.Config{NoneReaderDelay: time.Second})
	r, err := relay.New(m, relay.Config{})
	require.NoError(t, err)
	defer pullOnDemand(r, map[string]string{"door": "rtsp://" + serveRTSP(t, from) + "/cameras/door"})()
	p, err := m.Play(t.Context(), media.PlayRequest{Stream: doorKey, Schema: "rtmp"})
	require.NoError(t, err)
	require.Len(t, r.Pulls(), 1)
	p.Close(nil)
	require.Eventually(t, func() bool { return len(r.Pulls()) == 0 }, patience, time.Millisecond)
}
