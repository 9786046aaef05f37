package media_test

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// kicker kicks the session that is being admitted some microseconds after it was asked about: in one of many tries that
// is between its admission and its entry in the list.
type kicker struct {
	server *media.Server
	kicks  sync.WaitGroup
}

func (k *kicker) kick(id string) {
	x, ok := k.server.Session(id)
	if !ok {
		return
	}
	k.kicks.Go(func() {
		for end := time.Now().Add(rand.N(40 * time.Microsecond)); time.Now().Before(end); {
			runtime.Gosched()
		}
		x.Kick(media.ErrKicked)
	})
}

// A session that is kicked at any moment of its admission is neither counted nor listed afterwards.
func TestKickDuringAdmission(t *testing.T) {
	k := &kicker{}
	s := newServer(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error { k.kick(ev.Session.ID); return nil },
		OnPublish: func(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
			k.kick(ev.Session.ID)
			return hook.PublishReply{}, nil
		},
	}}})
	k.server = s
	pub, err := s.Publish(t.Context(), media.PublishRequest{Stream: key, Authorized: true})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(video))
	other := media.StreamKey{App: "live", Name: "other"}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		x := s.NewSession(hook.Session{}, nil) // one session of the player's own, and one of its protocol's
		_, err := s.Play(t.Context(), media.PlayRequest{Stream: key})
		if err != nil {
			require.ErrorIs(t, err, media.ErrKicked)
		}
		p, err := s.Publish(t.Context(), media.PublishRequest{Stream: other, Session: x})
		if err != nil {
			require.ErrorIs(t, err, media.ErrKicked)
		} else {
			p.Close(nil)
		}
		k.kicks.Wait()
		require.Nil(t, x.Publisher(), "it publishes nothing any more")
		x.Close()
		_, all := pub.Stream().Readers("")
		require.Zero(t, all, "somebody who was kicked is counted still")
	}
	require.Len(t, slices.Collect(s.Sessions()), 1)
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
