package metrics_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/metrics"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

type service struct{}

func (service) Shutdown(context.Context) error { return nil }
func (service) Close() error                   { return nil }

// page is what a scrape gets.
func page(t *testing.T, m *media.Server, cfg metrics.Config) string {
	t.Helper()
	h, err := metrics.NewHandler(m, cfg)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	require.Equal(t, http.StatusOK, w.Code, w.Body)
	return w.Body.String()
}

func newMedia(t *testing.T) *media.Server {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	require.NoError(t, m.Register(service{}, "rtmp"))
	return m
}

func publish(t *testing.T, m *media.Server, name string) *media.Publisher {
	t.Helper()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: name}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{ID: 1, Codec: media.H264}, &media.Track{ID: 2, Codec: media.AAC}))
	return pub
}

// Each stream has its figures.
func TestStreamFigures(t *testing.T) {
	m := newMedia(t)
	pub := publish(t, m, "a")
	tracks := pub.Stream().Description().Tracks
	for i := range 51 { // two seconds of pictures, a key frame each second
		require.NoError(t, pub.WritePacket(&media.Packet{
			Track: tracks[0], Key: i%25 == 0, DTS: time.Duration(i) * 40 * time.Millisecond, PTS: time.Duration(i) * 40 * time.Millisecond,
			Data: []byte{0, 0, 0, 1, 0x65},
		}))
	}
	pub.Arrived(1, 90, 0)
	pub.Arrived(1, 165, 25)
	pub.Session().SetLost(25)
	for i, protocol := range []string{"rtmp", "ws", "ws"} {
		x := m.NewSession(hook.Session{Protocol: protocol, Remote: netip.MustParseAddrPort("192.0.2.1:1")}, nil)
		p, err := m.Play(t.Context(), media.PlayRequest{Stream: pub.Stream().Key(), Session: x, Schema: "rtmp"})
		require.NoError(t, err)
		p.Sent(10)
		if i == 2 {
			p.Close(nil)
		}
	}
	text := page(t, m, metrics.Config{})
	const name = `app="live",stream="a",vhost="__defaultVhost__"`
	const video = `app="live",codec="H264",kind="video",stream="a",vhost="__defaultVhost__"`
	for _, line := range []string{
		"sluice_stream_received_bytes_total{" + name + "} 255\n", "sluice_stream_sent_bytes_total{" + name + "} 30\n",
		`sluice_stream_viewers{app="live",protocol="ws",stream="a",vhost="__defaultVhost__"} 1` + "\n",
		`sluice_stream_viewers{app="live",protocol="rtmp",stream="a",vhost="__defaultVhost__"} 1` + "\n",
		"sluice_stream_frames_total{" + video + "} 51\n", "sluice_stream_key_frames_total{" + name + "} 3\n",
		"sluice_stream_gop_frames{" + name + "} 25\n", "sluice_stream_gop_seconds{" + name + "} 1\n",
		"sluice_stream_loss_ratio{" + video + "} 0.25\n", "sluice_stream_lost_packets_total{" + name + "} 25\n",
		"sluice_stream_jumps_total{" + name + "} 0\n", "sluice_stream_skipped_packets_total{" + name + "} 0\n",
		"sluice_streams_without_figures 0\n",
	} {
		require.Contains(t, text, line)
	}
	require.NotContains(t, page(t, m, metrics.Config{MaxStreams: -1}), "sluice_stream_")
}

// So many streams have figures of their own, the oldest; the others are counted.
func TestStreamFiguresAreBounded(t *testing.T) {
	m := newMedia(t)
	for _, name := range []string{"first", "second", "third", "fourth"} {
		publish(t, m, name)
	}
	text := page(t, m, metrics.Config{MaxStreams: 3})
	for _, name := range []string{"first", "second", "third"} {
		require.Contains(t, text, `stream="`+name+`"`)
	}
	require.NotContains(t, text, "fourth")
	require.Contains(t, text, "sluice_streams 4\n")
	require.Contains(t, text, "sluice_streams_without_figures 1\n")
}

// Names that are long, no text, or the same once cut spoil nothing.
func TestStreamFiguresOfHostileNames(t *testing.T) {
	m := newMedia(t)
	long := strings.Repeat("n", 8<<10)
	for _, name := range []string{"\xff", "\xfe", long, long[1:], "\n\"evil{} 1\nsluice_streams 99"} {
		publish(t, m, name)
	}
	text := page(t, m, metrics.Config{})
	require.Contains(t, text, "sluice_streams_without_figures 2\n")
	require.NotContains(t, text, "\nsluice_streams 99")
	require.NotContains(t, text, long[:200])
}

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

	h, err := metrics.NewHandler(m, metrics.Config{MaxStreams: -1})
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
