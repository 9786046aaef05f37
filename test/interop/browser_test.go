package interop

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// watchedSeconds is how long each page plays.
const watchedSeconds = 30

// Chromium plays half a minute on the page of the complete server by each of its forms: pictures that depend on later ones, and
// with low latency also where key frames are 10 s apart.
func TestChromium(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 3)
	needBrowser(t)
	need(t, "curl")
	ctx := t.Context()
	c := demonstrate(ctx, t)
	loop := append([]string{"ffmpeg", "-stream_loop", "-1"}, ffmpegPublish(source.file, c.rtmp+"b")[1:]...)
	background(ctx, t, loop...)
	c.publish(ctx, t, "long", "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", "250", "-c:a", "aac")
	c.await(ctx, t, "b")
	names := []string{"Best", "HTTP-FLV", "WS-FLV", "HTTP-fMP4", "WS-fMP4", "HTTP-TS", "HLS", "LL-HLS", "LL-HLS, long groups"}
	var pages []string
	for _, proto := range []string{"auto", "http", "ws", "fmp4", "ws-fmp4", "ts", "hls", "llhls"} {
		pages = append(pages, c.play("b", proto))
	}
	saw := watch(ctx, t, watchedSeconds, append(pages, c.play("long", "llhls"))...)
	for i, name := range names {
		t.Run(name, func(t *testing.T) {
			saw[i].requirePlayed(t, watchedSeconds)
			if strings.HasPrefix(name, "LL-HLS") {
				// Three parts of half a second are what is wanted, and what a machine with nothing else to do has. A busy one
				// takes longer, but not the three segments of up to 10 s each that it is without low latency.
				t.Logf("%.1f s behind the live edge", saw[i].latency())
				require.Less(t, saw[i].latency(), 12.0)
				require.Positive(t, saw[i].latency())
			}
		})
	}
}

// The only stream plays by itself.
func TestChromiumPlaysTheDemonstration(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	c := demonstrate(t.Context(), t)
	watch(t.Context(), t, 5, c.page)[0].requirePlayed(t, 5)
}

// What the browser cannot decode is said in words, and not tried again; a picture plays without the sound that it lacks.
func TestChromiumSaysWhatItCannotDecode(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	need(t, "ffmpeg", "curl")
	ctx := t.Context()
	c := demonstrate(ctx, t)
	c.publish(ctx, t, "h265", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=error", "-g", "50", "-c:a", "aac")
	c.publish(ctx, t, "g711", "-c:v", "libx264", "-preset", "ultrafast", "-g", "50", "-c:a", "pcm_alaw", "-ar", "8000", "-ac", "1")
	pages := []string{c.play("h265", "auto"), c.play("h265", "fmp4"), c.play("h265", "llhls")}
	protos := []string{"auto", "fmp4", "ts", "llhls"}
	for _, proto := range protos {
		pages = append(pages, c.play("g711", proto))
	}
	saw := watch(ctx, t, 5, pages...)
	for i, s := range saw[:3] {
		t.Run("H.265 "+strconv.Itoa(i), func(t *testing.T) {
			require.Equal(t, "This browser cannot decode H.265. Open it in VLC: "+c.rtsp+"h265", s.Samples[len(s.Samples)-1].State)
			for _, url := range s.Asked { // the list of streams, again and again, and pictures of the others, but no stream
				small := strings.HasPrefix(url, c.page+"picture?") && !strings.HasSuffix(url, "stream=h265")
				if !small && !strings.HasPrefix(url, "blob:") { // which is one of them, to be decoded
					require.Equal(t, c.page+"streams.json", url)
				}
			}
		})
	}
	for i, s := range saw[3:] {
		t.Run("G.711 by "+protos[i], func(t *testing.T) {
			s.requirePlayed(t, 5)
			require.Contains(t, s.Samples[len(s.Samples)-1].State, "Without its sound: this browser cannot decode G.711 A-law. Open it in VLC: "+c.rtsp+"g711")
		})
	}
}

// The page of the API shows all calls and tries one, within what the server lets a page load.
func TestChromiumReadsTheAPI(t *testing.T) {
	t.Parallel()
	needBrowser(t)
	browser, err := exec.LookPath("chromium")
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	out, err := stdout(ctx, "node", filepath.Join(npmFolder, "docs.mjs"), demonstrate(ctx, t).page+"docs/api/", browser)
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
	needNPM(t, npmFolder)
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
