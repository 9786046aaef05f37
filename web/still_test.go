package web_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/internal/testmedia/reel"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// The newest key picture is an MP4 of one picture, for whoever may watch.
func TestStill(t *testing.T) {
	s := start(t, media.Config{PlayWait: -1, Hooks: []hook.Hook{hook.Funcs{OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
		if ev.Session.Params != "token=x" {
			return hook.Deny(401, "no token")
		}
		return nil
	}}}}, web.Config{}, nil)
	c, err := clip.Load(bytes.NewReader(testmedia.H264()))
	require.NoError(t, err)
	pub, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "cam"}})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Play(context.Background(), pub) // it ends with the stream
	}()
	defer func() {
		pub.Close(nil)
		<-done
	}()
	sound, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "sound"}})
	require.NoError(t, err)
	defer sound.Close(nil)
	require.NoError(t, sound.SetTracks(&media.Track{ID: 1, Codec: media.G711A, SampleRate: 8000, Channels: 1}))
	get := func(path string) (int, string, []byte) {
		res, err := http.Get("http://" + s.addr + path)
		require.NoError(t, err)
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		require.NoError(t, err)
		return res.StatusCode, res.Header.Get("Content-Type"), b
	}
	require.Eventually(t, func() bool {
		_, ok := s.media.Stream(media.StreamKey{App: "live", Name: "cam"})
		return ok
	}, patience, time.Millisecond)
	status, kind, data := get("/live/cam.SNAP.mp4?token=x")
	require.Equal(t, 200, status)
	require.Equal(t, "video/mp4; charset=utf-8", kind)
	require.Len(t, reel.Hashes(t, "a.mp4", reel.Pictures, data), 1)
	status, _, _ = get("/live/cam.snap.mp4")
	require.NotEqual(t, 200, status)
	status, _, _ = get("/live/none.snap.mp4?token=x")
	require.Equal(t, 404, status)
	status, _, data = get("/live/sound.snap.mp4?token=x")
	require.Equal(t, 404, status)
	require.Contains(t, string(data), "no pictures")
	_, readers := pub.Stream().Readers("")
	require.Zero(t, readers)
}
