package cookbook

import (
	"context"
	"crypto/subtle"

	"github.com/sluice-media/sluice/hook"
)

// users knows who may do what. RTSP players log in; all others, and whoever publishes, by RTSP too, give the same in the
// query, as in rtmp://HOST/live/NAME?user=ann&password=secret.
type users map[string]string

var (
	_ hook.PublishHook   = users(nil)
	_ hook.PlayHook      = users(nil)
	_ hook.RTSPRealmHook = users(nil)
	_ hook.RTSPAuthHook  = users(nil)
)

func (u users) OnPublish(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	return hook.PublishReply{}, u.check(ev.Session)
}

func (u users) OnPlay(_ context.Context, ev *hook.PlayEvent) error { return u.check(ev.Session) }

// OnRTSPRealm makes the server ask RTSP players for a password; OnPlay is not asked about them then.
func (u users) OnRTSPRealm(context.Context, *hook.RTSPRealmEvent) (string, error) {
	return "cameras", nil
}

func (u users) OnRTSPAuth(_ context.Context, ev *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	password, ok := u[ev.UserName]
	if !ok {
		return hook.RTSPAuthReply{}, hook.Deny(401, "who are you?")
	}
	return hook.RTSPAuthReply{Password: password}, nil
}

func (u users) check(x hook.Session) error {
	query := x.Query()
	password, ok := u[query.Get("user")]
	if !ok || subtle.ConstantTimeCompare([]byte(password), []byte(query.Get("password"))) != 1 {
		return hook.Deny(401, "bad user or password")
	}
	return nil
}
