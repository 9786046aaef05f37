package rtsp

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTarget(t *testing.T) {
	for in, want := range map[string]struct {
		app, name, params string
		track             int
	}{
		"rtsp://h:554/live/a":                    {"live", "a", "", -1},
		"rtsp://h/live/a/":                       {"live", "a", "", -1},
		"rtsp://h/live/a/trackID=1":              {"live", "a", "", 1},
		"rtsp://h/live/a/b?k=v&x=1":              {"live", "a/b", "k=v&x=1", -1},
		"rtsp://h/live/a?k=v/trackID=0":          {"live", "a", "k=v", 0},
		"rtsp://h/live/a?k=v/":                   {"live", "a", "k=v", -1},
		"rtsp://u:p@h/live/%E4%BD%A0/trackID=0/": {"live", "你", "", 0},
		"rtsp://h/live/a/trackID=99":             {"live", "a/trackID=99", "", -1},
		"/live/a/trackID=2":                      {"live", "a", "", 2},
	} {
		got, ok := parseTarget(in, false)
		require.True(t, ok, in)
		require.Equal(t, want.app, got.key.App, in)
		require.Equal(t, want.name, got.key.Name, in)
		require.Equal(t, want.params, got.params, in)
		require.Equal(t, want.track, got.track, in)
	}
	for _, in := range []string{"*", "", "rtsp://h", "rtsp://h/live", "rtsp://h//", "rtsp://h/live?a=b"} {
		_, ok := parseTarget(in, false)
		require.False(t, ok, in)
	}
	got, _ := parseTarget("rtsp://user:pw@cam.example:554/live/a", true)
	require.Equal(t, "cam.example", got.key.VHost)
	got, _ = parseTarget("rtsp://10.0.0.1/live/a?vhost=v", true)
	require.Equal(t, "v", got.key.VHost)
}
