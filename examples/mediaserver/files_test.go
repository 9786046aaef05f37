package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
)

// The page is in front of the files, unless it is not wanted; calls that there are not go to the files, too.
func TestFilesBehindThePage(t *testing.T) {
	g := newHooked(t, nil, map[string]string{"http.notFound": "<b>gone</b>"})
	require.NoError(t, os.WriteFile(filepath.Join(g.www, "page.js"), []byte("mine"), 0o600))
	require.NoError(t, os.MkdirAll(filepath.Join(g.www, "docs"), 0o700))
	base := "http://" + g.ports["28080"]
	for path, want := range map[string]string{"/": "Sluice", "/docs/api/": "Sluice", "/page.js": "live streams", "/streams.json": "Please login"} {
		_, text := get(t, base+path)
		require.Contains(t, text, want, path)
	}
	require.Empty(t, g.events("on_http_access"))
	for path, want := range map[string]string{
		"/hello.txt": "200 hello", "/nope": "404 <b>gone</b>", "/index/api/none": "404 <b>gone</b>", "/live/none.live.flv": "404 <b>gone</b>",
	} {
		res, text := get(t, base+path)
		require.Equal(t, want, fmt.Sprint(res.StatusCode, " ", text))
		require.Equal(t, "text/"+map[bool]string{true: "plain", false: "html"}[path == "/hello.txt"]+"; charset=utf-8", res.Header.Get("Content-Type"))
	}
	require.Len(t, g.events("on_http_access"), 3, "not of the stream")
	_, text := get(t, base+"/docs/")
	require.Contains(t, text, "<h1>/docs/</h1>", "of the files")
	g.set("http.page", "0")
	_, text = get(t, base+"/page.js")
	require.Equal(t, "mine", text)
	_, text = get(t, base+"/")
	require.Contains(t, text, "hello.txt")
	g.set("http.dirMenu", "0")
	res, _ := get(t, base+"/")
	require.Equal(t, http.StatusNotFound, res.StatusCode)
	before := g.store.Config().String("http.rootPath")
	changed, _, err := g.store.Update(map[string]string{"http.rootPath": "/", "http.virtualPath": "etc,/etc", "api.downloadRoot": "/"})
	require.NoError(t, err)
	require.Zero(t, changed, "who may call the API may not read all files")
	require.Equal(t, before, g.store.Config().String("http.rootPath"))
}

func TestFilesConfig(t *testing.T) {
	cfg := config.New()
	for key, value := range map[string]string{
		"http.virtualPath": " a,/x ; /b/,./y;;", "http.forbidCacheSuffix": ".m3u8, .flv", "http.rootPath": "/www", "http.allow_cross_domains": "0",
	} {
		require.NoError(t, cfg.Set(key, value))
	}
	got, err := filesConfig(cfg, nil)
	require.NoError(t, err)
	require.Equal(t, map[string]string{"a": "/x", "b": "./y"}, got.Virtual)
	require.Equal(t, []string{".m3u8", ".flv"}, got.NoStore)
	require.Equal(t, "/www", got.Root)
	require.True(t, got.ListFolders)
	require.Empty(t, got.AllowOrigins)
	for _, bad := range []string{"a", "a,", ",/x", "a/b,/x", "../,/x", ".a,/x"} {
		require.NoError(t, cfg.Set("http.virtualPath", bad))
		_, err := filesConfig(cfg, nil)
		require.ErrorContains(t, err, "http.virtualPath", bad)
	}
}
