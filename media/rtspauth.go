package media

import (
	"context"
	"errors"

	"github.com/sluice-media/sluice/hook"
)

// RTSPRealm asks the hooks for the realm in which an RTSP player must prove who it is: the first that is not
// empty. An empty realm means that [Server.Play] decides. An error means that a hook failed or refused.
func (s *Server) RTSPRealm(ctx context.Context, ev *hook.RTSPRealmEvent) (string, error) {
	for _, h := range s.hooks.rtspRealm {
		realm, err := decide(ctx, s, "rtsp_realm", func(ctx context.Context) (string, error) {
			return h.OnRTSPRealm(ctx, ev)
		})
		if errors.Is(err, hook.ErrNotHandled) {
			continue
		}
		if err != nil {
			return "", refused(ctx, "rtsp_realm", err)
		}
		if realm != "" {
			return realm, nil
		}
	}
	return "", nil
}

// RTSPAuth asks the hooks for the password of an RTSP user; the first that does not fail counts. Without such
// a hook everybody is refused.
func (s *Server) RTSPAuth(ctx context.Context, ev *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	failed := hook.Deny(401, "no hook knows the users")
	for _, h := range s.hooks.rtspAuth {
		reply, err := decide(ctx, s, "rtsp_auth", func(ctx context.Context) (hook.RTSPAuthReply, error) {
			return h.OnRTSPAuth(ctx, ev)
		})
		if err == nil {
			return reply, nil
		}
		if !errors.Is(err, hook.ErrNotHandled) {
			failed = err
		}
	}
	return hook.RTSPAuthReply{}, refused(ctx, "rtsp_auth", failed)
}
