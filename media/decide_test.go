package media_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A hook that leaves an event to others is as good as none.
func TestNotHandled(t *testing.T) {
	ctx := t.Context()
	leaves := hook.Funcs{
		OnPublish: func(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
			return hook.PublishReply{}, hook.ErrNotHandled
		},
		OnPlay:      func(context.Context, *hook.PlayEvent) error { return hook.ErrNotHandled },
		OnRTSPRealm: func(context.Context, *hook.RTSPRealmEvent) (string, error) { return "", hook.ErrNotHandled },
		OnRTSPAuth: func(context.Context, *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
			return hook.RTSPAuthReply{}, hook.ErrNotHandled
		},
		OnHTTPAccess: func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
			return hook.HTTPAccessReply{}, hook.ErrNotHandled
		},
		OnShellLogin: func(context.Context, *hook.ShellLoginEvent) error { return hook.ErrNotHandled },
	}
	m, err := media.New(media.Config{Hooks: []hook.Hook{leaves}})
	require.NoError(t, err)
	defer m.Close()
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "a"}})
	require.NoError(t, err)
	defer pub.Close(nil)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC}))
	player, err := m.Play(ctx, media.PlayRequest{Stream: pub.Stream().Key()})
	require.NoError(t, err)
	player.Close(nil)
	realm, err := m.RTSPRealm(ctx, &hook.RTSPRealmEvent{})
	require.NoError(t, err)
	require.Empty(t, realm)
	_, err = m.RTSPAuth(ctx, &hook.RTSPAuthEvent{})
	_, denied := hook.Denied(err)
	require.True(t, denied, "nobody knows the users: %v", err)
	_, err = m.HTTPAccess(ctx, &hook.HTTPAccessEvent{})
	require.ErrorIs(t, err, hook.ErrNotHandled)
	require.ErrorIs(t, m.ShellLogin(ctx, &hook.ShellLoginEvent{}), hook.ErrNotHandled)
}

// The first hook that handles a file decides; all that handle a login must admit.
func TestAccessAndLogin(t *testing.T) {
	ctx := t.Context()
	verdict := func(err error) hook.Hook {
		return hook.Funcs{
			OnHTTPAccess: func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
				return hook.HTTPAccessReply{Path: "/a"}, err
			},
			OnShellLogin: func(context.Context, *hook.ShellLoginEvent) error { return err },
		}
	}
	m, err := media.New(media.Config{Hooks: []hook.Hook{verdict(hook.ErrNotHandled), verdict(nil), verdict(hook.Deny(1, "no"))}})
	require.NoError(t, err)
	defer m.Close()
	reply, err := m.HTTPAccess(ctx, &hook.HTTPAccessEvent{})
	require.NoError(t, err)
	require.Equal(t, "/a", reply.Path)
	_, denied := hook.Denied(m.ShellLogin(ctx, &hook.ShellLoginEvent{}))
	require.True(t, denied)
}

// An observer is told of the server's own events, and of its end before Shutdown returns.
func TestServerEvents(t *testing.T) {
	var told []string
	m, err := media.New(media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnServerStarted: func(_ context.Context, ev *hook.ServerStartedEvent) {
			told = append(told, "started "+ev.Config["a.b"])
		},
		OnServerKeepalive: func(_ context.Context, ev *hook.ServerKeepaliveEvent) {
			require.Equal(t, int64(1), ev.Statistic["x"])
			told = append(told, "keepalive")
		},
		OnServerExited: func(context.Context, *hook.ServerExitedEvent) { told = append(told, "exited") },
	}}})
	require.NoError(t, err)
	m.Started(map[string]string{"a.b": "c"})
	m.Keepalive(map[string]int64{"x": 1})
	require.NoError(t, m.Shutdown(t.Context()))
	require.Equal(t, []string{"started c", "keepalive", "exited"}, told)
}
