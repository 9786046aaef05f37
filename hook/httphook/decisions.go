package httphook

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/sluice-media/sluice/hook"
)

// The decisions and observations of a Hook.
var (
	_ hook.PublishHook          = (*Hook)(nil)
	_ hook.PlayHook             = (*Hook)(nil)
	_ hook.StreamNotFoundHook   = (*Hook)(nil)
	_ hook.StreamNoneReaderHook = (*Hook)(nil)
	_ hook.RTSPRealmHook        = (*Hook)(nil)
	_ hook.RTSPAuthHook         = (*Hook)(nil)
	_ hook.HTTPAccessHook       = (*Hook)(nil)
	_ hook.ShellLoginHook       = (*Hook)(nil)
	_ hook.StreamChangedHook    = (*Hook)(nil)
	_ hook.FlowReportHook       = (*Hook)(nil)
	_ hook.RecordMP4Hook        = (*Hook)(nil)
	_ hook.RecordTSHook         = (*Hook)(nil)
	_ hook.ServerStartedHook    = (*Hook)(nil)
	_ hook.ServerKeepaliveHook  = (*Hook)(nil)
	_ hook.ServerExitedHook     = (*Hook)(nil)
	_ hook.SendRTPStoppedHook   = (*Hook)(nil)
	_ hook.RTPServerTimeoutHook = (*Hook)(nil)
)

// adminFileTime is how long the bearer of AdminParams may read files.
const adminFileTime = time.Hour

// admin reports whether a session bears the query that needs no decision.
func (s *settings) admin(x hook.Session) bool {
	return s.AdminParams != "" && subtle.ConstantTimeCompare([]byte(s.AdminParams), []byte(x.Params)) == 1
}

// OnPublish posts on_publish.
func (h *Hook) OnPublish(ctx context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	s := h.settings.Load()
	if s.admin(ev.Session) {
		return hook.PublishReply{}, nil
	}
	r, err := h.decide(ctx, s, "on_publish", ev.Stream.VHost, func() any {
		return publishBody{
			client: newClient(ev.Stream, ev.Session), OriginType: int(ev.Origin), OriginTypeStr: ev.Origin.String(),
		}
	})
	if err != nil {
		return hook.PublishReply{}, err
	}
	name, _ := r.text("stream_replace")
	return hook.PublishReply{Options: r.options(), StreamReplace: name}, nil
}

// OnPlay posts on_play.
func (h *Hook) OnPlay(ctx context.Context, ev *hook.PlayEvent) error {
	s := h.settings.Load()
	if s.admin(ev.Session) {
		return nil
	}
	_, err := h.decide(ctx, s, "on_play", ev.Stream.VHost, func() any {
		return newClient(ev.Stream, ev.Session)
	})
	return err
}

// OnStreamNotFound posts on_stream_not_found.
func (h *Hook) OnStreamNotFound(ctx context.Context, ev *hook.PlayEvent) (closePlayer bool, err error) {
	r, err := h.decide(ctx, h.settings.Load(), "on_stream_not_found", ev.Stream.VHost, func() any {
		return newClient(ev.Stream, ev.Session)
	})
	return isTrue(r.flag("close")), err
}

// OnStreamNoneReader posts on_stream_none_reader.
func (h *Hook) OnStreamNoneReader(ctx context.Context, ev *hook.StreamEvent) (closeStream bool, err error) {
	r, err := h.decide(ctx, h.settings.Load(), "on_stream_none_reader", ev.Stream.VHost, func() any {
		return newStreamBody(ev.Stream, ev.Schema, ev.Params)
	})
	return isTrue(r.flag("close")), err
}

// OnRTSPRealm posts on_rtsp_realm.
func (h *Hook) OnRTSPRealm(ctx context.Context, ev *hook.RTSPRealmEvent) (realm string, err error) {
	s := h.settings.Load()
	if s.admin(ev.Session) {
		return "", nil
	}
	r, err := h.decide(ctx, s, "on_rtsp_realm", ev.Stream.VHost, func() any {
		return newClient(ev.Stream, ev.Session)
	})
	realm, _ = r.text("realm")
	return realm, err
}

// OnRTSPAuth posts on_rtsp_auth.
func (h *Hook) OnRTSPAuth(ctx context.Context, ev *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	r, err := h.decide(ctx, h.settings.Load(), "on_rtsp_auth", ev.Stream.VHost, func() any {
		return rtspAuthBody{
			client: newClient(ev.Stream, ev.Session), UserName: ev.UserName, MustNoEncrypt: ev.MustNoEncrypt, Realm: ev.Realm,
		}
	})
	password, _ := r.text("passwd")
	return hook.RTSPAuthReply{Encrypted: isTrue(r.flag("encrypted")), Password: password}, err
}

// OnHTTPAccess posts on_http_access.
func (h *Hook) OnHTTPAccess(ctx context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
	s := h.settings.Load()
	if s.admin(ev.Session) {
		return hook.HTTPAccessReply{Valid: adminFileTime}, nil
	}
	r, err := h.decide(ctx, s, "on_http_access", "", func() any {
		return accessBody(ev)
	})
	if err != nil {
		return hook.HTTPAccessReply{}, err
	}
	var verdict hook.HTTPAccessReply
	verdict.Err, _ = r.text("err")
	verdict.Path, _ = r.text("path")
	if d := r.duration("second", time.Second); d != nil {
		verdict.Valid = *d
	}
	return verdict, nil
}

// OnShellLogin posts on_shell_login.
func (h *Hook) OnShellLogin(ctx context.Context, ev *hook.ShellLoginEvent) error {
	_, err := h.decide(ctx, h.settings.Load(), "on_shell_login", "", func() any {
		return shellBody{newPeer(ev.Session), ev.UserName, ev.Password}
	})
	return err
}

func isTrue(b *bool) bool { return b != nil && *b }
