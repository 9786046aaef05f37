package main

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

// The files of recordings are served by the paths that hooks tell, which do not name the virtual host: of each to those who ask for it.
func TestRecordingsOfVirtualHosts(t *testing.T) {
	cfg, www := config.New(), t.TempDir()
	for key, value := range map[string]string{
		"general.enableVhost": "1", "general.listen_ip": "127.0.0.1", "http.rootPath": www, "http.dirMenu": "1",
		"protocol.mp4_save_path": www, "protocol.hls_save_path": www,
	} {
		require.NoError(t, cfg.Set(key, value))
	}
	s, err := newServer(cfg, flags{demo: true}, anyPort, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	g := serveStage(t, s)
	for vhost, folder := range map[string]string{hook.DefaultVHost: "", "a.example": "a.example"} {
		g.recordBoth(media.StreamKey{VHost: vhost, App: "live", Name: "cam"})
		host := "127.0.0.1"
		if folder != "" {
			host = vhost
		}
		for _, pattern := range [][3]string{
			{"record", "record", "live/cam/*/[^.]*.mp4"}, {"", "", "live/cam/*/*/[^.]*.ts"}, {"", "", "live/cam/*/*/vod.m3u8"},
		} {
			top := filepath.Join(www, pattern[0], folder)
			require.Eventually(t, func() bool {
				files, err := filepath.Glob(filepath.Join(top, pattern[2]))
				return err == nil && len(files) > 0
			}, limit, 10*time.Millisecond)
			files, err := filepath.Glob(filepath.Join(top, pattern[2]))
			require.NoError(t, err)
			want, err := os.ReadFile(files[0])
			require.NoError(t, err)
			rel, err := filepath.Rel(top, files[0])
			require.NoError(t, err)
			path := "/" + strings.TrimPrefix(pattern[1]+"/"+filepath.ToSlash(rel), "/")
			code, got := g.ofHost(host, path)
			require.Equal(t, http.StatusOK, code, "%s of %s", path, host)
			require.Equal(t, string(want), got)
			code, got = g.ofHost("127.0.0.1", path+"?vhost="+vhost)
			require.Equal(t, http.StatusOK, code)
			require.Equal(t, string(want), got)
			code, _ = g.ofHost("b.example", path)
			require.Equal(t, http.StatusNotFound, code)
			_, list := g.ofHost(host, path[:strings.LastIndexByte(path, '/')+1])
			if pattern[0] != "" {
				require.Contains(t, list, filepath.Base(path))
			}
		}
	}
	for _, hidden := range []string{"/record/.roots-hls", "/record/../record/.roots-hls", "/live/cam/2026-11-27/15/.x"} {
		code, _ := g.ofHost("127.0.0.1", hidden)
		require.Equal(t, http.StatusNotFound, code)
	}
	for _, vhost := range []string{"..", ".", "%2e%2e", "live/..", "b.example%00"} {
		code, _ := g.ofHost("127.0.0.1", "/record/live/cam?vhost="+vhost)
		require.Equal(t, http.StatusNotFound, code, vhost)
	}
}

// recordBoth records a stream of six seconds as MP4 and by HLS.
func (g *stage) recordBoth(key media.StreamKey) {
	pub, err := g.media.Publish(g.t.Context(), media.PublishRequest{Stream: key})
	require.NoError(g.t, err)
	tracks, packets := reel.Load(g.t, testmedia.H264())
	require.NoError(g.t, pub.SetTracks(tracks...))
	for _, kind := range []record.Kind{record.MP4, record.HLS} {
		require.NoError(g.t, g.recorder.Start(g.t.Context(), record.Request{Stream: key, Kind: kind}))
	}
	for _, p := range packets {
		require.NoError(g.t, pub.WritePacket(p))
		time.Sleep(10 * time.Microsecond)
	}
	pub.Close(nil)
	require.Eventually(g.t, func() bool {
		return !g.recorder.Recording(key, record.MP4) && !g.recorder.Recording(key, record.HLS)
	}, limit, time.Millisecond)
}

// ofHost asks for a path of a host.
func (g *stage) ofHost(host, path string) (code int, body string) {
	g.t.Helper()
	req, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, "http://"+g.ports["28080"]+path, nil)
	require.NoError(g.t, err)
	req.Host = host
	res, err := http.DefaultClient.Do(req)
	require.NoError(g.t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(g.t, err)
	return res.StatusCode, string(b)
}
