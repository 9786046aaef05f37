package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/golden"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

// loadPlaylist reads the capture of a playlist, of which there are headers and text.
func loadPlaylist(t *testing.T, text []byte) *capture {
	t.Helper()
	var p struct {
		Case    string         `json:"case"`
		Headers map[string]any `json:"headers"`
		Text    any            `json:"text"`
	}
	require.NoError(t, json.Unmarshal(text, &p))
	c := &capture{Case: p.Case}
	c.Request.Path = map[string]string{"hls.playlist": "/live/test/hls.m3u8", "hls.fmp4_playlist": "/live/hf/hls.fmp4.m3u8"}[p.Case]
	c.Response.Status, c.Response.Headers, c.Response.Text = http.StatusOK, p.Headers, &p.Text
	return c
}

// replayPlaylist plays by HLS until the playlist has as many segments as the original's.
func (g *stage) replayPlaylist(c *capture) string {
	g.playInTime(strings.Split(c.Request.Path, "/")[2])
	for {
		res, text := get(g.t, "http://"+g.ports["28080"]+c.Request.Path)
		if d := differStatus(c, res); d != "" {
			return d
		}
		// The first segment is short here: what there is when the first viewer comes.
		whole := len(regexp.MustCompile(`#EXTINF:(2(\.0\d\d)?|1\.9\d\d),`).FindAllString(text, -1))
		if whole < 3 || whole < strings.Count(text, "#EXTINF") {
			time.Sleep(50 * time.Millisecond)
			continue
		}
		want, _ := (*c.Response.Text).(string)
		return cmp.Or(differHeaders(c, res.Header), golden.DifferText("text", withoutRun(want), withoutRun(text)))
	}
}

// playInTime publishes the clip of the tests at its own pace, until the test ends.
func (g *stage) playInTime(name string) {
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(g.t, err)
	ctx, cancel := context.WithCancel(g.t.Context())
	pub, err := g.media.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: name}})
	require.NoError(g.t, err)
	played := make(chan struct{})
	go func() {
		defer close(played)
		defer pub.Close(io.EOF)
		_ = c.Play(ctx, pub) // until the test ends
	}()
	g.t.Cleanup(func() {
		cancel()
		<-played
	})
}

// withoutRun returns a playlist without what differs from run to run, and without the lines that the original has not: the clock,
// where to start (said when a segment does not begin with a key picture), and all of low-latency HLS.
func withoutRun(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !regexp.MustCompile(`^#EXT-X-(PROGRAM-DATE-TIME|SERVER-CONTROL|PART|PART-INF|PRELOAD-HINT|START):`).MatchString(line) {
			b.WriteString(line)
		}
	}
	text = regexp.MustCompile(`#EXT-X-MEDIA-SEQUENCE:\d+`).ReplaceAllString(b.String(), "#EXT-X-MEDIA-SEQUENCE:<n>")
	text = regexp.MustCompile(`#EXTINF:2(\.0\d\d)?,|#EXTINF:1\.9\d\d,`).ReplaceAllString(text, "#EXTINF:2,")
	return regexp.MustCompile(`\S+/\S+/\S+_\d+\.`).ReplaceAllString(text, "<day>/<hour>/<name>_<n>.")
}
