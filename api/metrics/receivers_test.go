package metrics_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/metrics"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

type receivers []gb28181.ReceiverStatus

func (r receivers) Receivers() []gb28181.ReceiverStatus { return r }

// Each stream that comes by RTP has its figures, of which there are not more than there may be.
func TestReceiverFigures(t *testing.T) {
	key := media.StreamKey{App: "rtp", Name: "a"}
	one := gb28181.ReceiverStatus{Stream: key, Received: 9, Lost: 1, Duplicate: 2, Late: 3, Reordered: 4, Jitter: 5 * time.Millisecond}
	list := receivers{one, one, {Stream: media.StreamKey{App: "rtp", Name: "other"}}}
	text := page(t, newMedia(t), metrics.Config{MaxStreams: 1, Receivers: list})
	require.Contains(t, text, "sluice_rtp_receivers 3\n")
	for fate, n := range map[string]string{"received": "9", "lost": "1", "duplicate": "2", "late": "3", "reordered": "4"} {
		require.Contains(t, text, `sluice_rtp_receiver_packets_total{fate="`+fate+`",stream="`+key.String()+`"} `+n+"\n")
	}
	require.Contains(t, text, `sluice_rtp_receiver_jitter_seconds{stream="`+key.String()+`"} 0.005`+"\n")
	require.NotContains(t, text, "other")
	require.NotContains(t, page(t, newMedia(t), metrics.Config{}), "sluice_rtp")
}
