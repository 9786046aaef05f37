package media_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A key without virtual host names the stream of the default one, wherever it is given.
func TestEmptyVHostIsTheDefault(t *testing.T) {
	var told []string
	note := func(what string, key hook.StreamKey) { told = append(told, what+" "+key.VHost) }
	s := newServer(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error { note("play", ev.Stream); return nil },
		OnPublish: func(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
			note("publish", ev.Stream)
			return hook.PublishReply{}, nil
		},
	}}})
	short := media.StreamKey{App: key.App, Name: key.Name}
	pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: short})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(video))
	for _, k := range []media.StreamKey{short, key} {
		st, ok := s.Stream(k)
		require.True(t, ok)
		require.Equal(t, key, st.Key())
		player, err := s.Play(t.Context(), media.PlayRequest{Stream: k})
		require.NoError(t, err)
		player.Close(nil)
		_, err = s.Publish(t.Context(), media.PublishRequest{Stream: k})
		require.ErrorIs(t, err, media.ErrStreamExists)
		require.Equal(t, "__defaultVhost__/live/test", k.String())
		require.Equal(t, key, k.Canonical())
	}
	for _, one := range told {
		require.Contains(t, one, " "+hook.DefaultVHost)
	}
	seen := make(chan media.StreamKey, 1)
	defer s.Tap(func(k media.StreamKey) bool { return k == short.Canonical() }, media.TapFunc(func(_ context.Context, st *media.Stream) error {
		seen <- st.Key()
		return nil
	}))()
	require.Equal(t, key, soon(t, seen))
}
