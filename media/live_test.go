package media_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A new Config holds from the next use on, and streams keep the options they were published with.
func TestReconfigure(t *testing.T) {
	ctx := t.Context()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	publish := func(name string) *media.Publisher {
		pub, err := m.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: name}})
		require.NoError(t, err)
		require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC}))
		return pub
	}
	before := publish("a")
	require.Error(t, m.Reconfigure(media.Config{HookTimeout: -1}))
	require.NoError(t, m.Reconfigure(media.Config{
		PlayWait: time.Millisecond, Options: hook.StreamOptions{AutoClose: new(true)}, NoneReaderDelay: time.Millisecond,
	}))
	after := publish("b")
	require.False(t, *before.Stream().Options().AutoClose)
	require.True(t, *after.Stream().Options().AutoClose)
	<-after.Done()
	require.ErrorIs(t, after.Err(), media.ErrNoReader)
	_, err = m.Play(ctx, media.PlayRequest{Stream: media.StreamKey{App: "live", Name: "c"}})
	require.ErrorIs(t, err, media.ErrStreamNotFound)
	require.NoError(t, before.Err())
}

// A session says what it publishes or plays, as long as it does.
func TestSessionRole(t *testing.T) {
	ctx := t.Context()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "a"}})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC}))
	require.Same(t, pub, pub.Session().Publisher())
	x := m.NewSession(hook.Session{}, nil)
	defer x.Close()
	player, err := m.Play(ctx, media.PlayRequest{Stream: pub.Stream().Key(), Session: x, Schema: "ts"})
	require.NoError(t, err)
	require.Same(t, player, x.Player())
	require.Equal(t, "ts", x.Player().Schema())
	player.Close(nil)
	require.Nil(t, x.Player())
	pub.Close(nil)
	require.Nil(t, pub.Session().Publisher())
	require.NotEmpty(t, m.Loads())
}
