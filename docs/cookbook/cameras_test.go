package cookbook

import (
	"strings"
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
	var out strings.Builder
	printPulls(&out, r)
	require.Regexp(t, "(?m)^__defaultVhost__/camera/gate failed for 0s, 0 bytes/s, .*refused$", out.String())
	require.True(t, r.StopPull("__defaultVhost__/camera/door"))
	require.Len(t, r.Pulls(), 1)
}

// A stream of the own server is known by its URL; others are looked for where they are.
func TestPicture(t *testing.T) {
	m := newMedia(t, media.Config{PlayWait: -1})
	defer m.Close()
	r, err := withPictures(m, "own.invalid:1935")
	require.NoError(t, err)
	_, err = picture(t.Context(), r, "rtmp://own.invalid:1935/live/door")
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	_, err = picture(t.Context(), r, "rtmp://169.254.0.1/live/door")
	require.ErrorIs(t, err, relay.ErrAddress)
}
