package main

import (
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// api calls the API from this machine, which needs no secret.
func (s *screen) api(t *testing.T, call string) map[string]any {
	t.Helper()
	_, text := get(t, s.url(t, "page")+"index/api/"+call)
	var out map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &out), text)
	return out
}

func TestControl(t *testing.T) {
	path := write(t, "# my server\n[api]\nsecret=canary-0123456789\n[http]\nport=8080\n")
	out := start(t, "-c", path, "-demo")
	require.Eventually(t, func() bool { return out.api(t, "getMediaList?schema=rtmp")["data"] != nil }, limit, time.Millisecond)
	list := out.api(t, "getMediaList?schema=rtmp")["data"].([]any)
	require.Equal(t, "demo", list[0].(map[string]any)["stream"])
	require.Equal(t, 2.0, out.api(t, "setServerConfig?hook.timeoutSec=5&api.secret=canary-new&ffmpeg.bin=/bin/sh")["changed"])
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(text), "# my server\n"))
	require.Contains(t, string(text), "timeoutSec=5\n")
	require.NotContains(t, string(text), "/bin/sh")
	require.Equal(t, -300.0, out.api(t, "setServerConfig?hook.timeoutSec=x")["code"])

	res, body := get(t, out.url(t, "page")+"metrics")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, "sluice_streams 1\n")
	require.NotContains(t, body, "canary")
	require.NotContains(t, out.String(), "canary", "the log holds the secret")
}

// What can change while the server runs does, for the sessions that come after.
func TestLiveChange(t *testing.T) {
	out := start(t, "-demo")
	origin := func() string {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, out.url(t, "page")+"live/absent.live.flv", http.NoBody)
		require.NoError(t, err)
		r.Header.Set("Origin", "http://example.com")
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer res.Body.Close()
		require.Equal(t, http.StatusNotFound, res.StatusCode)
		return res.Header.Get("Access-Control-Allow-Origin")
	}
	require.Equal(t, 1.0, out.api(t, "setServerConfig?general.maxStreamWaitMS=0")["changed"])
	require.Equal(t, "http://example.com", origin())
	require.Equal(t, 2.0, out.api(t, "setServerConfig?http.allow_cross_domains=0&rtp.videoMtuSize=1200")["changed"])
	require.Empty(t, origin())
	require.Contains(t, out.String(), "holds after a restart")
}

// The server restarts in place and keeps what was set, also without a file.
func TestRestart(t *testing.T) {
	out := start(t, "-demo")
	require.Equal(t, 1.0, out.api(t, "setServerConfig?general.flowThreshold=77")["changed"])
	require.Equal(t, 0.0, out.api(t, "restartServer")["code"])
	require.Eventually(t, func() bool { return strings.Count(out.String(), "Sluice is running.") == 2 }, limit, 10*time.Millisecond)
	banner := &screen{}
	_, err := banner.Write([]byte(out.String()[strings.LastIndex(out.String(), "Sluice is running."):]))
	require.NoError(t, err)
	require.Equal(t, "77", banner.api(t, "getServerConfig")["data"].([]any)[0].(map[string]any)["general.flowThreshold"])
}
