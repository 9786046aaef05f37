package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The figures name the streams unless that is switched off, and the page of the API and the health are for everyone.
func TestFigures(t *testing.T) {
	out := start(t, "-demo")
	require.Eventually(t, func() bool { return out.api(t, "getMediaList?schema=rtmp")["data"] != nil }, limit, time.Millisecond)
	page := out.url(t, "page")
	_, body := get(t, page+"metrics")
	require.Contains(t, body, `stream="demo"`)
	require.Equal(t, 1.0, out.api(t, "setServerConfig?api.metricStreams=0")["changed"])
	_, body = get(t, page+"metrics")
	require.NotContains(t, body, "demo")
	require.Contains(t, body, "sluice_streams_without_figures 1\n")

	res, body := get(t, page+"healthz")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Equal(t, "ok\n", body)
	res, body = get(t, page+"docs/api/")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, res.Header.Get("Content-Security-Policy"), "default-src 'self'")
	require.NotContains(t, body, "http") // everything comes from here
}
