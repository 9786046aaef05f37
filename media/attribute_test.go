package media_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// What somebody hands on comes from where he has it, for all but OnPublish, until he stops; what is pulled comes from where it says.
func TestAttribute(t *testing.T) {
	var asked []hook.Origin
	changed := make(chan hook.Source, 8)
	s := newServer(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPublish: func(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
			asked = append(asked, ev.Origin)
			return hook.PublishReply{}, nil
		},
		OnStreamChanged: func(_ context.Context, ev *hook.StreamChangedEvent) {
			if ev.Registered {
				changed <- ev.Source
			}
		},
	}}})
	const source = "rtsp://cam/1"
	older := s.Attribute(media.StreamKey{App: key.App, Name: key.Name}, hook.OriginFFmpegPull, "rtsp://cam/0")
	stop := s.Attribute(key, hook.OriginFFmpegPull, source)
	older() // the newest counts
	for _, c := range []struct {
		origin, want hook.Origin
		url, wantURL string
	}{
		{hook.OriginRTMPPush, hook.OriginFFmpegPull, "rtmp://here", source},
		{hook.OriginRTSPPush, hook.OriginFFmpegPull, "rtsp://here", source},
		{hook.OriginPull, hook.OriginPull, "rtmp://other", "rtmp://other"},
		{hook.OriginMP4VOD, hook.OriginMP4VOD, "a.mp4", "a.mp4"},
	} {
		p, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Origin: c.origin, OriginURL: c.url})
		require.NoError(t, err)
		require.NoError(t, p.SetTracks(video))
		for _, src := range []hook.Source{p.Stream().Source(""), <-changed} {
			require.Equal(t, c.want, src.Origin)
			require.Equal(t, c.wantURL, src.OriginURL)
		}
		p.Close(nil)
	}
	require.Equal(t, []hook.Origin{hook.OriginRTMPPush, hook.OriginRTSPPush, hook.OriginPull, hook.OriginMP4VOD}, asked)
	stop()
	p, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Origin: hook.OriginRTMPPush})
	require.NoError(t, err)
	require.Equal(t, hook.OriginRTMPPush, p.Stream().Source("").Origin)
}

// Who comes back for a stream that waits for him may be one that hands it on.
func TestAttributeOfOneThatComesBack(t *testing.T) {
	s := newServer(t, media.Config{})
	p, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Origin: hook.OriginRTMPPush, Options: hook.StreamOptions{ContinuePush: new(time.Minute)}})
	require.NoError(t, err)
	require.NoError(t, p.SetTracks(video))
	p.Close(context.Canceled)
	defer s.Attribute(key, hook.OriginFFmpegPull, "rtsp://cam/1")()
	again, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Origin: hook.OriginRTMPPush})
	require.NoError(t, err)
	require.Same(t, p.Stream(), again.Stream())
	require.Equal(t, hook.OriginFFmpegPull, again.Stream().Source("").Origin)
}
