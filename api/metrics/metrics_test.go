package metrics_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/metrics"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

type service struct{}

func (service) Shutdown(context.Context) error { return nil }
func (service) Close() error                   { return nil }

func TestMetrics(t *testing.T) {
	m, err := media.New(media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(context.Context, *hook.PlayEvent) error { return nil },
	}}})
	require.NoError(t, err)
	defer m.Close()
	require.NoError(t, m.Register(service{}, "rtmp"))
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "\n\"evil"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC}))
	x := m.NewSession(hook.Session{Protocol: "rtmp", Remote: netip.MustParseAddrPort("192.0.2.1:1")}, nil)
	_, err = m.Play(t.Context(), media.PlayRequest{Stream: pub.Stream().Key(), Session: x, Schema: "rtmp"})
	require.NoError(t, err)
	x.Sent(7)
	gone := m.NewSession(hook.Session{}, nil)
	gone.Received(5)
	gone.Close()

	h, err := metrics.NewHandler(m)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	require.Equal(t, http.StatusOK, w.Code, text)
	for _, line := range []string{
		"sluice_streams 1\n", "sluice_sessions{protocol=\"rtmp\"} 1\n", "sluice_readers{schema=\"rtmp\"} 1\n",
		"sluice_sent_bytes_total 7\n", "sluice_received_bytes_total 5\n", "sluice_skipped_packets_total 0\n",
		"sluice_hook_seconds_count{event=\"play\"} 1\n", "sluice_hook_failures_total{event=\"play\"} 0\n",
		"sluice_fanout_busy_ratio{loop=\"fan-out 0\"} ", "sluice_fanout_late_seconds{loop=\"fan-out 0\"} ",
	} {
		require.Contains(t, text, line)
	}
	require.NotContains(t, text, "evil")
}
