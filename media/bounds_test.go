package media_test

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A query over 8 KiB is refused, whichever way it comes.
func TestLongParamsAreRefused(t *testing.T) {
	s := newServer(t, media.Config{PlayWait: -1})
	publish(t, s, video)
	other := media.StreamKey{App: "live", Name: "other"}
	for n, want := range map[int]error{8 << 10: nil, 8<<10 + 1: media.ErrBadName} {
		params := strings.Repeat("a", n)
		x := s.NewSession(hook.Session{Params: params}, nil)
		defer x.Close()
		for _, r := range []media.PublishRequest{{Params: params}, {Session: x}} {
			r.Stream = other
			pub, err := s.Publish(t.Context(), r)
			require.ErrorIs(t, err, want)
			if err == nil {
				pub.Close(nil)
			}
			r.Session = x
			_, err = s.AdmitPublisher(t.Context(), r)
			require.ErrorIs(t, err, want)
		}
		for _, r := range []media.PlayRequest{{Params: params}, {Session: x}} {
			r.Stream = key
			player, err := s.Play(t.Context(), r)
			require.ErrorIs(t, err, want)
			if err == nil {
				player.Close(nil)
			}
		}
	}
	require.Len(t, slices.Collect(s.Sessions()), 1+2, "nobody is left on the list")
}

// Metadata is a stream's, for all its readers: what is over 64 KiB is not taken, nor what no protocol can carry.
func TestMetadataIsBounded(t *testing.T) {
	var log bytes.Buffer
	s := newServer(t, media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	pub := publish(t, s, video)
	metadata := func() map[string]any { return pub.Stream().Description().Metadata }
	pub.SetMetadata(map[string]any{"title": strings.Repeat("a", 60<<10), "index": []any{1.0}, "width": 640.0, "stereo": true})
	require.Len(t, metadata()["title"], 60<<10)
	require.Len(t, metadata(), 3, "the list is left out")
	for range 3 {
		pub.SetMetadata(map[string]any{"title": strings.Repeat("b", 65<<10)})
		many := map[string]any{}
		for i := range 5000 {
			many[strings.Repeat("k", 1+i%40)+string(rune('a'+i/40))] = 1.0
		}
		pub.SetMetadata(many)
	}
	require.Equal(t, 640.0, metadata()["width"], "readers keep what there was")
	require.Equal(t, 1, strings.Count(log.String(), "metadata over 64 KiB"), log.String())
	pub.SetMetadata(map[string]any{"title": "c"})
	require.Equal(t, map[string]any{"title": "c"}, metadata())
}

// A protocol server that ends goes from the list of its host, with its schemas; observers are told of the end of a
// stream in those in which they were told of its beginning.
func TestServiceEndsBeforeTheServer(t *testing.T) {
	var changes events
	s := newServer(t, media.Config{Hooks: []hook.Hook{&changes}})
	first, second := service{make(chan string, 4)}, service{make(chan string, 4)}
	require.NoError(t, s.Register(first, "rtmp", "rtsp"))
	require.NoError(t, s.Register(second, "rtmp"))
	pub := publish(t, s, video)
	require.Equal(t, []string{"rtmp", "rtsp"}, pub.Stream().Schemas())
	s.Unregister(first)
	s.Unregister(first)
	require.Equal(t, []string{"rtmp"}, pub.Stream().Schemas())
	pub.Close(nil)
	require.Equal(t, []string{"+rtmp", "+rtsp", "-rtmp", "-rtsp"}, changes.wait(t, 4))
	require.NoError(t, s.Shutdown(t.Context()))
	require.Equal(t, "shutdown", <-second.ended)
	require.Empty(t, first.ended, "it has ended by itself")
}
