package httphook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
	"github.com/sluice-media/sluice/media"
)

// policy decides by what an event says, and notes what it is told.
type policy struct {
	mu    sync.Mutex
	notes []string
}

func (p *policy) note(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.notes = append(p.notes, fmt.Sprintf(format, args...))
}

func (p *policy) OnPublish(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	p.note("publish %v %v %v %v", ev.Stream, ev.Session.Params, ev.Session.Protocol, ev.Origin)
	q := ev.Session.Query()
	if q.Get("token") == "bad" {
		return hook.PublishReply{}, hook.Deny(7, "bad token")
	}
	return hook.PublishReply{StreamReplace: q.Get("as"), Options: hook.StreamOptions{
		ContinuePush: new(1500 * time.Millisecond), EnableHLS: new(false), MP4MaxDuration: new(3 * time.Second), MP4SavePath: new("/mp4"),
	}}, nil
}

func (p *policy) OnPlay(_ context.Context, ev *hook.PlayEvent) error {
	p.note("play %v %v %v", ev.Stream, ev.Session.Params, ev.Session.Schema)
	if ev.Session.Params == "refuse" {
		return hook.Deny(-1, `"no" <play>`)
	}
	return nil
}

func (p *policy) OnStreamNotFound(_ context.Context, ev *hook.PlayEvent) (bool, error) {
	p.note("not found %v %v", ev.Stream, ev.Session.Params)
	return ev.Session.Params == "close", nil
}

func (p *policy) OnStreamNoneReader(_ context.Context, ev *hook.StreamEvent) (bool, error) {
	p.note("none reader %v %v", ev.Stream, ev.Schema)
	return true, nil
}

func (p *policy) OnRTSPRealm(_ context.Context, ev *hook.RTSPRealmEvent) (string, error) {
	switch ev.Stream.App {
	case "secret":
		return "zlm", nil
	case "broken":
		return "", hook.Deny(1, "no")
	}
	return "", nil
}

func (p *policy) OnRTSPAuth(_ context.Context, ev *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	switch ev.UserName {
	case "plain":
		return hook.RTSPAuthReply{Password: "pw"}, nil
	case "ha1":
		return hook.RTSPAuthReply{Encrypted: true, Password: ev.Realm + fmt.Sprint(ev.MustNoEncrypt)}, nil
	}
	return hook.RTSPAuthReply{}, hook.Deny(2, "no such user")
}

func (p *policy) OnHTTPAccess(_ context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
	switch {
	case ev.Header.Get("X-Deny") != "":
		return hook.HTTPAccessReply{}, hook.Deny(3, "header")
	case ev.IsDir:
		return hook.HTTPAccessReply{Err: "no " + ev.Path, Path: "/dir", Valid: time.Minute}, nil
	}
	return hook.HTTPAccessReply{}, nil
}

func (p *policy) OnShellLogin(_ context.Context, ev *hook.ShellLoginEvent) error {
	if ev.UserName != "admin" || ev.Password != "pw" {
		return hook.Deny(-1, "bad password")
	}
	return nil
}

func (p *policy) OnStreamChanged(_ context.Context, ev *hook.StreamChangedEvent) {
	p.note("changed %v %v %v", ev.Stream, ev.Schema, ev.Registered)
}

func (p *policy) OnFlowReport(_ context.Context, ev *hook.FlowReportEvent) {
	p.note("flow %v %v %v", ev.Stream, ev.Session.Params, ev.Player)
}

func (p *policy) OnServerExited(context.Context, *hook.ServerExitedEvent) { p.note("exited") }

// funcs is the policy in process, function by function.
func (p *policy) funcs() hook.Funcs {
	return hook.Funcs{
		OnPublish: p.OnPublish, OnPlay: p.OnPlay, OnStreamNotFound: p.OnStreamNotFound, OnStreamNoneReader: p.OnStreamNoneReader,
		OnRTSPRealm: p.OnRTSPRealm, OnRTSPAuth: p.OnRTSPAuth, OnHTTPAccess: p.OnHTTPAccess, OnShellLogin: p.OnShellLogin,
		OnStreamChanged: p.OnStreamChanged, OnFlowReport: p.OnFlowReport, OnServerExited: p.OnServerExited,
	}
}

// ServeHTTP is the policy as a backend of web hooks.
func (p *policy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var s sample
	if json.NewDecoder(r.Body).Decode(&s) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	reply := map[string]any{"code": 0}
	if err := p.answer(r.Context(), strings.TrimPrefix(r.URL.Path, "/hook/"), s, reply); err != nil {
		d, _ := hook.Denied(err)
		reply = map[string]any{"code": d.Code, "msg": d.Reason}
	}
	_ = json.NewEncoder(w).Encode(reply)
}

func (p *policy) answer(ctx context.Context, event string, s sample, reply map[string]any) (err error) {
	key, x := s.key(), s.session()
	switch event {
	case "on_publish":
		var r hook.PublishReply
		r, err = p.OnPublish(ctx, &hook.PublishEvent{Stream: key, Session: x, Origin: hook.Origin(s.int("originType"))})
		if err == nil {
			reply["stream_replace"], reply["enable_hls"] = r.StreamReplace, *r.Options.EnableHLS
			reply["continue_push_ms"], reply["mp4_max_second"] = r.Options.ContinuePush.Milliseconds(), r.Options.MP4MaxDuration.Seconds()
			reply["mp4_save_path"] = *r.Options.MP4SavePath
		}
	case "on_play":
		err = p.OnPlay(ctx, &hook.PlayEvent{Stream: key, Session: x})
	case "on_stream_not_found":
		reply["close"], err = p.OnStreamNotFound(ctx, &hook.PlayEvent{Stream: key, Session: x})
	case "on_stream_none_reader":
		reply["close"], err = p.OnStreamNoneReader(ctx, &hook.StreamEvent{Stream: key, Schema: s.text("schema")})
	case "on_rtsp_realm":
		reply["realm"], err = p.OnRTSPRealm(ctx, &hook.RTSPRealmEvent{Stream: key, Session: x})
	case "on_rtsp_auth":
		var r hook.RTSPAuthReply
		r, err = p.OnRTSPAuth(ctx, &hook.RTSPAuthEvent{UserName: s.text("user_name"), Realm: s.text("realm"), MustNoEncrypt: s.bool("must_no_encrypt")})
		reply["encrypted"], reply["passwd"] = r.Encrypted, r.Password
	case "on_http_access":
		var r hook.HTTPAccessReply
		r, err = p.OnHTTPAccess(ctx, &hook.HTTPAccessEvent{
			Path: s.text("path"), IsDir: s.bool("is_dir"), Header: http.Header{"X-Deny": {s.text("header.X-Deny")}},
		})
		reply["err"], reply["path"], reply["second"] = r.Err, r.Path, r.Valid.Seconds()
	case "on_shell_login":
		err = p.OnShellLogin(ctx, &hook.ShellLoginEvent{UserName: s.text("user_name"), Password: s.text("passwd")})
	case "on_stream_changed":
		p.OnStreamChanged(ctx, &hook.StreamChangedEvent{Stream: key, Schema: s.text("schema"), Registered: s.bool("regist")})
	case "on_flow_report":
		p.OnFlowReport(ctx, &hook.FlowReportEvent{Stream: key, Session: x, Player: s.bool("player")})
	case "on_server_exited":
		p.OnServerExited(ctx, nil)
	}
	return err
}

// verdict is the text of a decision.
func verdict(err error, values ...any) string {
	if err != nil {
		return hook.PeerText(err)
	}
	return strings.TrimSpace(fmt.Sprintln(values...))
}

// service stands for a protocol, so that streams have schemas.
type service struct{}

func (service) Shutdown(context.Context) error { return nil }
func (service) Close() error                   { return nil }

// decisions lets a server ask a hook for everything, and returns what came of it.
func decisions(t *testing.T, h hook.Hook) []string {
	t.Helper()
	m, err := media.New(media.Config{Hooks: []hook.Hook{h}, PlayWait: 50 * time.Millisecond, NoneReaderDelay: 300 * time.Millisecond})
	require.NoError(t, err)
	require.NoError(t, m.Register(service{}, "rtmp", "rtsp"))
	var list []string
	add := func(what string, err error, values ...any) { list = append(list, what+": "+verdict(err, values...)) }
	x := hook.Session{
		ID: "1-7", Schema: "rtmp", Protocol: "rtmp", Remote: netip.MustParseAddrPort("127.0.0.1:5000"), Local: netip.MustParseAddrPort("127.0.0.1:1935"),
	}
	for _, params := range []string{"token=bad", "token=good&as=other", ""} {
		p, err := m.Publish(t.Context(), media.PublishRequest{
			Stream: media.StreamKey{App: "live", Name: "a/b"}, Schema: "rtmp", Params: params, Origin: hook.OriginRTMPPush,
		})
		add("publish "+params, err)
		if err != nil {
			continue
		}
		require.NoError(t, p.SetTracks(&media.Track{ID: 1, Codec: media.H264, Width: 2, Height: 2, Config: []byte("c")}))
		o := p.Stream().Options()
		add("options", nil, p.Stream().Key(), *o.ContinuePush, *o.EnableHLS, *o.EnableRTMP, *o.MP4MaxDuration, *o.MP4SavePath)
		if params == "" {
			player, err := m.Play(t.Context(), media.PlayRequest{Stream: p.Stream().Key(), Schema: "rtmp"})
			add("play", err)
			player.Close(nil)
			<-p.Stream().Done()
			add("unwatched", nil, "closed")
		}
		p.Close(nil)
		<-p.Stream().Done()
	}
	for _, params := range []string{"refuse", "close", "wait"} {
		begun := time.Now()
		_, err := m.Play(t.Context(), media.PlayRequest{Stream: media.StreamKey{App: "live", Name: "absent"}, Schema: "rtmp", Params: params})
		add("play "+params, err, time.Since(begun) < time.Second)
	}
	for _, app := range []string{"live", "secret", "broken"} {
		realm, err := m.RTSPRealm(t.Context(), &hook.RTSPRealmEvent{Stream: hook.StreamKey{VHost: hook.DefaultVHost, App: app, Name: "x"}, Session: x})
		add("realm "+app, err, realm)
	}
	for _, user := range []string{"plain", "ha1", "nobody"} {
		r, err := m.RTSPAuth(t.Context(), &hook.RTSPAuthEvent{Session: x, UserName: user, MustNoEncrypt: user == "plain", Realm: "zlm"})
		add("auth "+user, err, r)
	}
	for _, ev := range []*hook.HTTPAccessEvent{
		{Session: x, Path: "/a.txt"},
		{Session: x, Path: "/dir/", IsDir: true},
		{Session: x, Path: "/b", Header: http.Header{"X-Deny": {"1"}}},
	} {
		r, err := m.HTTPAccess(t.Context(), ev)
		add("access "+ev.Path, err, r)
	}
	for _, password := range []string{"pw", "", "pw2"} {
		add("shell "+password, m.ShellLogin(t.Context(), &hook.ShellLoginEvent{Session: x, UserName: "admin", Password: password}))
	}
	require.NoError(t, m.Shutdown(t.Context()))
	return list
}

// A hook in process, one over HTTP and a double that is a type decide the same and are told the same.
func TestSameDecisions(t *testing.T) {
	inProcess, double, remote := &policy{}, &policy{}, &policy{}
	want := decisions(t, inProcess.funcs())
	require.Len(t, want, 22)
	require.Equal(t, "publish token=bad: [auth failed]: code:7 msg:\"bad token\"", want[0])
	require.Equal(t, "options: __defaultVhost__/live/other 1.5s false true 3s /mp4", want[2])
	require.NotEmpty(t, inProcess.notes)

	require.Equal(t, want, decisions(t, double))
	b := newBackend(t, nil)
	b.Config.Handler = remote
	require.Equal(t, want, decisions(t, newHook(t, b.URL, func(c *httphook.Config) { c.Retries = -1 })))
	for _, p := range []*policy{double, remote} {
		require.ElementsMatch(t, inProcess.notes, p.notes)
		for _, name := range []string{"a/b", "other"} {
			require.Equal(t, inProcess.observed(name), p.observed(name), "in order for each stream")
		}
		require.Equal(t, "exited", p.notes[len(p.notes)-1])
	}
}

// observed is what was told of a stream.
func (p *policy) observed(name string) []string {
	return slices.DeleteFunc(slices.Clone(p.notes), func(note string) bool {
		return !strings.Contains(note, "/"+name+" ") || !strings.HasPrefix(note, "changed") && !strings.HasPrefix(note, "flow")
	})
}
