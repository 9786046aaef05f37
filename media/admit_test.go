package media_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A session that is kicked while its hook decides is neither counted nor listed afterwards, though the hook admits it.
func TestKickByTheHookThatAdmits(t *testing.T) {
	var s *media.Server
	kick := func(ev hook.Session) {
		x, ok := s.Session(ev.ID)
		require.True(t, ok)
		x.Kick(media.ErrKicked)
	}
	s = newServer(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error { kick(ev.Session); return nil },
		OnPublish: func(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
			kick(ev.Session)
			return hook.PublishReply{}, nil
		},
	}}})
	pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Authorized: true})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(video))
	for _, x := range []*media.Session{nil, s.NewSession(hook.Session{}, nil)} { // one of its own, and one of a protocol
		_, err = s.Play(t.Context(), media.PlayRequest{Stream: key, Session: x})
		require.ErrorIs(t, err, media.ErrKicked)
	}
	for _, x := range []*media.Session{nil, s.NewSession(hook.Session{}, nil)} {
		_, err = s.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "other"}, Session: x})
		require.ErrorIs(t, err, media.ErrKicked)
		if x != nil {
			require.Nil(t, x.Publisher(), "it publishes nothing")
		}
	}
	_, all := pub.Stream().Readers("")
	require.Zero(t, all)
}

// A publisher that loses its session before it is admitted holds no name.
func TestSessionClosedBeforePublish(t *testing.T) {
	s := newServer(t, media.Config{})
	x := s.NewSession(hook.Session{}, nil)
	x.Close()
	_, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Session: x})
	require.Error(t, err)
	require.Nil(t, x.Publisher())
	publish(t, s, video)
	_, err = s.Play(t.Context(), media.PlayRequest{Stream: key, Session: x})
	require.Error(t, err)
	st, _ := s.Stream(key)
	_, all := st.Readers("")
	require.Zero(t, all)
}

// An ID that is taken is not given twice: both sessions stay listed and can be kicked.
func TestSessionIDsAreUnique(t *testing.T) {
	s := newServer(t, media.Config{})
	a := s.NewSession(hook.Session{ID: "1-0"}, nil)
	b := s.NewSession(hook.Session{ID: "1-0"}, nil)
	c := s.NewSession(hook.Session{}, nil)
	defer func() { a.Close(); b.Close(); c.Close() }()
	for _, x := range []*media.Session{a, b, c} {
		got, ok := s.Session(x.Info().ID)
		require.True(t, ok)
		require.Same(t, x, got)
	}
}
