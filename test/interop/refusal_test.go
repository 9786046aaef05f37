package interop

import (
	"context"
	"errors"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// What the hooks refuse with, and what of it a client shows.
const (
	reason         = "the token is wrong"
	publishRefused = "NetStream.Publish.BadAuth"
	playRefused    = "NetStream.Play.BadAuth"
)

func deny() media.Config {
	return media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPublish: func(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
			return hook.PublishReply{}, hook.Deny(7, reason)
		},
		OnPlay: func(context.Context, *hook.PlayEvent) error { return hook.Deny(7, reason) },
	}}}
}

// A refusal ends real clients at once, with an error of their own.
func TestRefusalEndsClients(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 0)
	s := serve(t, deny(), nil)
	out := filepath.Join(t.TempDir(), "out.flv")
	ffmpegPlay := func(url string) []string {
		return []string{"ffmpeg", "-v", "error", "-y", "-i", url, "-c", "copy", out}
	}
	for _, c := range []struct {
		name string
		args []string
		says string
	}{
		{"ffmpeg publishes", ffmpegPublish(source.file, s.rtmpURL()), reason},
		{"GStreamer publishes", gstPublish(source.file, s.rtmpURL()), publishRefused},
		{"ffmpeg plays RTMP", ffmpegPlay(s.rtmpURL()), reason},
		{"ffmpeg plays HTTP", ffmpegPlay(s.httpURL()), "401"},
		{"rtmpdump plays", []string{"rtmpdump", "-V", "-r", s.rtmpURL(), "-o", out}, playRefused},
		{"GStreamer plays RTMP", []string{"gst-launch-1.0", "rtmp2src", "location=" + s.rtmpURL(), "!", "fakesink"}, playRefused},
		{"GStreamer plays HTTP", []string{"gst-launch-1.0", "souphttpsrc", "location=" + s.httpURL(), "!", "fakesink"}, "Unauthorized"},
		{"curl", []string{"curl", "-sSf", "-o", out, s.httpURL()}, "401"},
	} {
		t.Run(c.name, func(t *testing.T) {
			need(t, c.args[0])
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begun := time.Now()
			text, err := run(ctx, c.args...)
			t.Logf("ended after %v", time.Since(begun).Round(time.Millisecond))
			require.NoError(t, ctx.Err(), "it did not end by itself")
			require.Error(t, err)
			require.Contains(t, text, c.says)
			require.NotContains(t, text, ".Start", "it was told that it had begun")
		})
	}
}

// Over HTTP the reply has the status and the reason, over WebSocket the close frame.
func TestRefusalOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, deny(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.httpURL(), nil)
	require.NoError(t, err)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	reply, err := client.Do(r)
	require.NoError(t, err)
	require.NoError(t, reply.Body.Close())
	require.Equal(t, http.StatusUnauthorized, reply.StatusCode)

	w, err := dialWebSocket(ctx, s.wsURL())
	require.NoError(t, err)
	_, err = w.next()
	closed, ok := errors.AsType[*closedError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, http.StatusUnauthorized, closed.code)
	require.Contains(t, closed.reason, reason)
}
