package metrics_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/metrics"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

type relays struct{ pulls, pushes []relay.Status }

func (r relays) Pulls() []relay.Status  { return r.pulls }
func (r relays) Pushes() []relay.Status { return r.pushes }

// Each pull and push has its figures, without what is secret in a URL; two with the same labels have one.
func TestRelayFigures(t *testing.T) {
	m := newMedia(t)
	key := media.StreamKey{App: "live", Name: "a"}
	cam := relay.Status{Stream: key, URL: "rtsp://user:word@cam/1?token=word", State: relay.Playing, Paused: true, Retries: 3, TotalBytes: 1000}
	list := relays{
		pulls:  []relay.Status{cam, cam, {Stream: key, URL: "rtsp://other/2", State: relay.Failed}, {Stream: key, URL: "rtsp://third/2"}},
		pushes: []relay.Status{{Stream: key, URL: "rtmp://far/live/a", State: relay.Dropped, Retries: 1}},
	}
	text := page(t, m, metrics.Config{MaxStreams: 2, Relays: list})
	for _, line := range []string{
		`sluice_relays{kind="pull",state="playing"} 2`, `sluice_relays{kind="pull",state="failed"} 1`,
		`sluice_relays{kind="pull",state="connecting"} 1`, `sluice_relays{kind="push",state="dropped"} 1`,
		`sluice_relay_playing{kind="push",stream="` + key.String() + `",url="rtmp://far/live/a"} 0`,
		`sluice_relay_retries_total{kind="push",stream="` + key.String() + `",url="rtmp://far/live/a"} 1`,
	} {
		require.Contains(t, text, line+"\n")
	}
	require.Regexp(t, `sluice_relay_paused\{kind="pull",stream="[^"]*",url="rtsp://[^"]*cam/1[^"]*"\} 1`, text)
	require.Regexp(t, `sluice_relay_bytes_total\{kind="pull",stream="[^"]*",url="rtsp://[^"]*cam/1[^"]*"\} 1000`, text)
	require.NotContains(t, text, "word")
	require.NotContains(t, text, "third", "two of a kind have figures of their own")
	require.NotContains(t, page(t, m, metrics.Config{}), "sluice_relay")
}
