package interop

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Chromium plays half a minute through mpegts.js, by either protocol.
func TestChromium(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 3)
	needBrowser(t)
	pages := http.NewServeMux()
	for path, file := range map[string]string{
		"/page":      filepath.Join(npmFolder, "page.html"),
		"/mpegts.js": "../../examples/mediaserver/page/mpegts.js",
	} {
		pages.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	s := serve(t, media.Config{}, pages)
	ctx := t.Context()
	loop := append([]string{"ffmpeg", "-stream_loop", "-1"}, ffmpegPublish(source.file, s.rtmpURL())[1:]...)
	background(ctx, t, loop...)
	s.await(ctx, t)
	t.Run("plays", func(t *testing.T) {
		for name, stream := range map[string]string{"HTTP-FLV": s.httpURL(), "WS-FLV": s.wsURL()} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				watch(ctx, t, "http://"+s.http+"/page?url="+url.QueryEscape(stream), 30)
			})
		}
	})
}

// The demonstration plays on the server's own page.
func TestChromiumPlaysTheDemonstration(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	ctx := t.Context()
	page := demonstrate(ctx, t)
	for _, proto := range []string{"http", "ws"} {
		t.Run(proto, func(t *testing.T) { watch(ctx, t, page+"?play=live/demo&proto="+proto, 5) })
	}
	t.Run("by itself, as it is the only stream", func(t *testing.T) { watch(ctx, t, page, 5) })
}

// demonstrate runs the complete server with its demonstration until the test ends, and returns the URL of its page.
func demonstrate(ctx context.Context, t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	bin := filepath.Join(dir, "mediaserver")
	_, err := run(ctx, "go", "build", "-o", bin, "github.com/sluice-media/sluice/examples/mediaserver")
	require.NoError(t, err)
	port, config := freePort(t), filepath.Join(dir, "config.ini")
	ini := fmt.Sprintf("[http]\nport=%d\n[rtmp]\nport=0\n[rtsp]\nport=0\n[shell]\nport=0\n[rtp_proxy]\nport=0\n", port)
	require.NoError(t, os.WriteFile(config, []byte(ini), 0o600))
	background(ctx, t, bin, "-c", config, "-demo")
	page := fmt.Sprintf("http://127.0.0.1:%d/", port)
	awaitPage(ctx, t, page)
	return page
}

// The page of the API shows all calls and tries one, within what the server lets a page load.
func TestChromiumReadsTheAPI(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	browser, err := exec.LookPath("chromium")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := stdout(ctx, "node", filepath.Join(npmFolder, "docs.mjs"), demonstrate(ctx, t)+"docs/api/", browser)
	require.NoError(t, err)
	var saw struct {
		Groups       int
		Status, Body string
		Log, Foreign []string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &saw), out)
	require.Empty(t, saw.Log, "the console has errors")
	require.Empty(t, saw.Foreign, "something came from another server")
	require.Greater(t, saw.Groups, 10)
	require.Equal(t, "200", saw.Status)
	require.Contains(t, saw.Body, "commitHash")
}

func needBrowser(t *testing.T) {
	t.Helper()
	need(t, "chromium", "node")
	needNPM(t)
}

func freePort(t *testing.T) int {
	t.Helper()
	ln := listen(t)
	defer ln.Close()
	addr, ok := ln.Addr().(*net.TCPAddr)
	require.True(t, ok)
	return addr.Port
}

// awaitPage waits until a server answers.
func awaitPage(ctx context.Context, t *testing.T, page string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, page, nil)
		require.NoError(t, err)
		if reply, err := client.Do(r); err == nil {
			require.NoError(t, reply.Body.Close())
			return
		}
		select {
		case <-ctx.Done():
			t.Fatal("the server does not answer")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// watch lets Chromium play a page's video for some seconds, and checks that it did. Each watching has patience of its own,
// since one may have to wait for another's end.
func watch(ctx context.Context, t *testing.T, page string, seconds int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	browser, err := exec.LookPath("chromium")
	require.NoError(t, err)
	out, err := stdout(ctx, "node", filepath.Join(npmFolder, "play.mjs"), page, strconv.Itoa(seconds), browser)
	require.NoError(t, err)
	var saw struct {
		Samples []struct {
			Time     float64
			Pictures int
			Width    int
			Error    string
		}
		Log []string
	}
	require.NoError(t, json.Unmarshal([]byte(out), &saw), out)
	require.Empty(t, saw.Log, "the console has errors")
	first, last := saw.Samples[0], saw.Samples[len(saw.Samples)-1]
	require.Empty(t, last.Error)
	require.GreaterOrEqual(t, last.Time-first.Time, float64(seconds))
	// A busy machine may drop pictures, but not most of them; and time without pictures would be no playing.
	require.Greater(t, last.Pictures-first.Pictures, seconds*pictureRate/2)
	require.Positive(t, last.Width)
	t.Logf("played %.1f s, %d pictures", last.Time-first.Time, last.Pictures-first.Pictures)
}
