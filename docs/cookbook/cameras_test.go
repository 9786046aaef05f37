package cookbook

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

func TestCameras(t *testing.T) {
	m := newMedia(t, media.Config{})
	defer m.Close()
	r, err := pullCameras(t.Context(), m, map[string]string{"door": "rtsp://admin:secret@127.0.0.1:1/1", "gate": "rtmp://127.0.0.1:1/a/b"})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		list := r.Pulls()
		return len(list) == 2 && list[0].State == relay.Failed && list[1].State == relay.Failed
	}, patience, time.Millisecond)
	require.True(t, r.StopPull("__defaultVhost__/camera/door"))
	require.Len(t, r.Pulls(), 1)
}
