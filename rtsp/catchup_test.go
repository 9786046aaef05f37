package rtsp_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// What there is since the newest key frame goes out at once, but to GStreamer as slowly as it can bear.
func TestGStreamerGetsNoBurst(t *testing.T) {
	const pictures, step = 40, 200 * time.Millisecond
	for _, c := range []struct {
		agent   string
		udp     bool
		catchUp float64
		least   time.Duration
	}{
		{"LibVLC/3.0", false, 0, 0},
		{"GStreamer/1.22.0", false, 0, (pictures - 1) * step * 10 / 11},
		{"GStreamer/1.22.0", true, 0, (pictures - 1) * step * 10 / 11},
		{"GStreamer/1.22.0", false, 2, (pictures - 1) * step / 2},
		{"GStreamer/1.22.0", false, 1, 0},
	} {
		t.Run(fmt.Sprintf("%s UDP %v %v", c.agent, c.udp, c.catchUp), func(t *testing.T) {
			t.Parallel()
			m, addr := start(t, media.Config{}, rtsp.Config{CatchUp: c.catchUp})
			video := &media.Track{ID: 1, Codec: media.VP8, ClockRate: 90000}
			audio := &media.Track{ID: 2, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}
			pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: testKey, Schema: "rtmp"})
			require.NoError(t, err)
			defer pub.Close(nil)
			require.NoError(t, pub.SetTracks(video, audio))
			for i := range pictures {
				at := time.Duration(i) * step
				require.NoError(t, pub.WritePacket(&media.Packet{Track: video, Key: i == 0, DTS: at, PTS: at, Data: []byte{1, 2, 3}}))
			}
			begun := time.Now()
			p := play(t, addr, c.udp, c.agent)
			for n := 0; n < pictures; {
				if _, _, isRTCP := p.next(); !isRTCP {
					n++
				}
			}
			took := time.Since(begun)
			require.GreaterOrEqual(t, took, c.least)
			if c.least == 0 {
				require.Less(t, took, (pictures-1)*step/2)
			}
		})
	}
	_, err := rtsp.NewServer(nil, rtsp.Config{CatchUp: 0.5})
	require.Error(t, err)
}
