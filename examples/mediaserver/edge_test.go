package main

import (
	"io"
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
)

// An edge gets from its origin what it does not have, while somebody watches, and its backend is not asked for it.
func TestEdgeOfAnOrigin(t *testing.T) {
	origin := newHooked(t, nil, nil)
	origin.goOn()
	edge := newHooked(t, nil, map[string]string{
		"cluster.origin_url":      " rtmp://" + origin.ports["28935"] + "/%s/%s ;http://" + origin.ports["28080"] + "/%s/%s.live.ts",
		"general.maxStreamWaitMS": "15000",
	})
	for _, form := range []string{".live.flv", ".live.ts", ".live.mp4", "/hls.m3u8"} {
		res, err := http.Get("http://" + edge.ports["28080"] + "/live/test" + form + "?user=me")
		require.NoError(t, err, form)
		require.Equal(t, http.StatusOK, res.StatusCode, form)
		_, err = io.ReadFull(res.Body, make([]byte, 100))
		require.NoError(t, err, form)
		require.NoError(t, res.Body.Close())
	}
	res, err := http.Get("http://" + edge.ports["28080"] + "/live/none.live.flv")
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	require.Empty(t, edge.events("on_stream_not_found"))
	require.Empty(t, origin.events("on_stream_not_found"), "nor is the backend of the origin")
	require.NotEmpty(t, origin.events("on_play"))
	require.Contains(t, origin.events("on_play")[0].body["params"], "&user=me")
}

func TestEdgeOfNothing(t *testing.T) {
	cfg := config.New()
	require.NoError(t, cfg.Set("cluster.origin_url", "rtmp://host/app"))
	_, err := newServer(cfg, flags{}, anyPort, nil, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "cluster.origin_url")
}
