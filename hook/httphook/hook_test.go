package httphook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
)

func play() *hook.PlayEvent {
	return &hook.PlayEvent{Stream: hook.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}, Session: hook.Session{ID: "1-7", Params: "token=x"}}
}

// What counts as an answer, and how often it is asked for.
func TestReplies(t *testing.T) {
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(code)
			_, _ = io.WriteString(w, `{"code":0}`)
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		text   string // of the error
		peer   string // what the player is told; empty for the same
		tries  int
	}{
		"admitted":      {says(`{"code":0,"msg":"success"}`), "", "", 1},
		"a float":       {says(`{"code":0.0}`), "", "", 1},
		"in spaces":     {says(" {\"code\" : 0 }\r\n"), "", "", 1},
		"refused":       {says(`{"code":-1,"msg":"no play"}`), `[auth failed]: code:-1 msg:"no play"`, "", 1},
		"refused, mute": {says(`{"code":7}`), `[auth failed]: code:7 msg:""`, "", 1},
		"code as text":  {says(`{"code":"0"}`), "[json code]:not a whole number", "", 2},
		"half a code":   {says(`{"code":0.5}`), "[json code]:not a whole number", "", 2},
		"a huge code":   {says(`{"code":1e300}`), "[json code]:not a whole number", "", 2},
		"code null":     {says(`{"code":null}`), "[json code]:not a whole number", "", 2},
		"no code":       {says(`{"msg":"x"}`), "[json code]:there is none", "", 2},
		"no object":     {says(`null`), "[parse json failed]:not an object", "", 2},
		"a list":        {says(`[0]`), "[parse json failed]:", "", 2},
		"HTML":          {says("<html>maintenance</html>"), "[parse json failed]:", "", 2},
		"empty":         {says(""), "[parse json failed]:", "", 2},
		"201":           {status(201), "[bad http status code]:201", "", 2},
		"500":           {status(500), "[bad http status code]:500", "", 2},
		"reset":         {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "[network err]:", "[network err]:the hook cannot be reached", 2},
		"too long": {func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 14 { // 1 GiB, if anybody took it
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
					return
				}
			}
		}, "[parse json failed]:longer than 65536 bytes", "", 2},
		"slow": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "[network err]:", "[network err]:the hook timed out", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBackend(t, c.answer)
			h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Timeout = 300 * time.Millisecond })
			err := h.OnPlay(t.Context(), play())
			require.Len(t, b.had(), c.tries)
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.text)
			require.NotContains(t, err.Error(), b.URL, "an error may be seen by others")
			if c.peer == "" {
				c.peer = err.Error()
			}
			require.Equal(t, c.peer, hook.PeerText(err))
			_, denied := hook.Denied(err)
			require.Equal(t, strings.Contains(c.text, "auth failed"), denied)
			if c.tries == 2 {
				require.Greater(t, b.had()[1].body["hook_index"], b.had()[0].body["hook_index"])
			}
		})
	}
}

// The second attempt may be the good one.
func TestRetry(t *testing.T) {
	b := newBackend(t, nil)
	tries := 0
	b.say(func(w http.ResponseWriter, _ *http.Request) {
		if tries++; tries < 4 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = io.WriteString(w, `{"code":0}`)
	})
	h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Retries = 3 })
	require.NoError(t, h.OnPlay(t.Context(), play()))
	require.Equal(t, 4, tries)
	tries = 0
	h = newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Retries = -1 })
	require.Error(t, h.OnPlay(t.Context(), play()))
	require.Equal(t, 1, tries)
}

// Who hangs up is not waited for, neither in an attempt nor between two.
func TestCanceled(t *testing.T) {
	for _, answer := range []http.HandlerFunc{
		func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, says("garbage"),
	} {
		b := newBackend(t, answer)
		h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.RetryDelay = time.Hour })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		require.Error(t, h.OnPlay(ctx, play()))
		require.Len(t, b.had(), 1)
	}
}

func TestOff(t *testing.T) {
	h, err := httphook.New(httphook.Config{URLs: map[string]string{"on_play": ""}})
	require.NoError(t, err)
	require.ErrorIs(t, h.OnPlay(t.Context(), play()), hook.ErrNotHandled)
	_, err = h.OnPublish(t.Context(), &hook.PublishEvent{})
	require.ErrorIs(t, err, hook.ErrNotHandled)
	_, err = h.OnRTSPRealm(t.Context(), &hook.RTSPRealmEvent{})
	require.ErrorIs(t, err, hook.ErrNotHandled)
	require.ErrorIs(t, h.OnShellLogin(t.Context(), &hook.ShellLoginEvent{}), hook.ErrNotHandled)
	h.OnStreamChanged(t.Context(), &hook.StreamChangedEvent{})
	b := newBackend(t, nil)
	require.NoError(t, h.SetConfig(httphook.Config{URLs: map[string]string{"on_play": b.URL}}))
	require.NoError(t, h.OnPlay(t.Context(), play()))
	b.last(t)
	require.NoError(t, h.SetConfig(httphook.Config{}))
	require.ErrorIs(t, h.OnPlay(t.Context(), play()), hook.ErrNotHandled)
	require.NoError(t, h.Close())
}

func TestPublishReply(t *testing.T) {
	b := newBackend(t, says(`{"code":0, "stream_replace":"renamed", "enable_hls":false, "enable_mp4":true, "enable_ts":0,
		"enable_fmp4":"0", "add_mute_audio":null, "mp4_max_second":3, "modify_stamp":"2", "enable_audio":"TRUE", "auto_close":1,
		"continue_push_ms":"1500", "paced_sender_ms":0, "enable_rtsp":{}, "enable_rtmp":[], "hls_demand":"", "rtsp_demand":"no",
		"rtmp_demand":2.5, "mp4_save_path":"", "hls_save_path":"/data", "max_track":true, "unknown":1}`))
	h := newHook(t, b.URL, nil)
	reply, err := h.OnPublish(t.Context(), &hook.PublishEvent{})
	require.NoError(t, err)
	require.Equal(t, hook.PublishReply{StreamReplace: "renamed", Options: hook.StreamOptions{
		EnableHLS: new(false), EnableMP4: new(true), EnableTS: new(false), EnableFMP4: new(false),
		MP4MaxDuration: new(3 * time.Second), ModifyStamp: new(2), EnableAudio: new(true), AutoClose: new(true),
		ContinuePush: new(1500 * time.Millisecond), PacedSender: new(time.Duration(0)), HLSDemand: new(false),
		RTSPDemand: new(false), RTMPDemand: new(true), HLSSavePath: new("/data"), MaxTrack: new(1),
	}}, reply)
	b.say(says(`{"code":0,"enableHls":"0","enableMP4":1,"continue_push_ms":-1,"mp4_max_second":1e300,"stream_replace":7,"modify_stamp":3,"max_track":0,"paced_sender_ms":5000}`))
	reply, err = h.OnPublish(t.Context(), &hook.PublishEvent{})
	require.NoError(t, err)
	require.Equal(t, "7", reply.StreamReplace)
	require.Equal(t, hook.StreamOptions{
		EnableHLS: new(false), EnableMP4: new(true), MP4MaxDuration: new((1<<31 - 1) * time.Second),
		PacedSender: new(time.Second),
	}, reply.Options)
}

func TestOtherReplies(t *testing.T) {
	b := newBackend(t, says(`{"code":0,"close":1,"realm":"zlm","encrypted":"1","passwd":"pw","err":"no","path":"/dir","second":600}`))
	h := newHook(t, b.URL, nil)
	ctx := t.Context()
	closes, err := h.OnStreamNotFound(ctx, play())
	require.NoError(t, err)
	require.True(t, closes)
	closes, err = h.OnStreamNoneReader(ctx, &hook.StreamEvent{})
	require.NoError(t, err)
	require.True(t, closes)
	realm, err := h.OnRTSPRealm(ctx, &hook.RTSPRealmEvent{})
	require.NoError(t, err)
	require.Equal(t, "zlm", realm)
	auth, err := h.OnRTSPAuth(ctx, &hook.RTSPAuthEvent{})
	require.NoError(t, err)
	require.Equal(t, hook.RTSPAuthReply{Encrypted: true, Password: "pw"}, auth)
	access, err := h.OnHTTPAccess(ctx, &hook.HTTPAccessEvent{})
	require.NoError(t, err)
	require.Equal(t, hook.HTTPAccessReply{Err: "no", Path: "/dir", Valid: 10 * time.Minute}, access)

	b.say(says(`{"code":0}`))
	closes, err = h.OnStreamNoneReader(ctx, &hook.StreamEvent{})
	require.NoError(t, err)
	require.False(t, closes)
	realm, err = h.OnRTSPRealm(ctx, &hook.RTSPRealmEvent{})
	require.NoError(t, err)
	require.Empty(t, realm)
}

// The bearer of the parameters is asked for nothing; who has more or less than them is.
func TestAdminParams(t *testing.T) {
	b := newBackend(t, says(`{"code":1}`))
	h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.AdminParams = "admin=yes" })
	ctx, x := t.Context(), hook.Session{Params: "admin=yes"}
	_, err := h.OnPublish(ctx, &hook.PublishEvent{Session: x})
	require.NoError(t, err)
	require.NoError(t, h.OnPlay(ctx, &hook.PlayEvent{Session: x}))
	realm, err := h.OnRTSPRealm(ctx, &hook.RTSPRealmEvent{Session: x})
	require.NoError(t, err)
	require.Empty(t, realm)
	access, err := h.OnHTTPAccess(ctx, &hook.HTTPAccessEvent{Session: x})
	require.NoError(t, err)
	require.Equal(t, hook.HTTPAccessReply{Valid: time.Hour}, access)
	h.OnFlowReport(ctx, &hook.FlowReportEvent{Session: x})
	require.Empty(t, b.had())
	for _, params := range []string{"", "admin=yes&a=b", "admin=no", "admin=ye"} {
		require.Error(t, h.OnPlay(ctx, &hook.PlayEvent{Session: hook.Session{Params: params}}))
	}
	none := newHook(t, b.URL, nil)
	require.Error(t, none.OnPlay(ctx, &hook.PlayEvent{}), "no parameters are no admin's")
}

func TestSchemas(t *testing.T) {
	b := newBackend(t, nil)
	h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Schemas = []string{"rtmp", "hls"} })
	for _, schema := range []string{"rtsp", "rtmp", "fmp4"} {
		h.OnStreamChanged(t.Context(), &hook.StreamChangedEvent{Schema: schema})
	}
	require.Equal(t, "rtmp", b.last(t).body["schema"])
}

func TestSignature(t *testing.T) {
	b := newBackend(t, nil)
	key := []byte("key")
	h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Key = key })
	require.NoError(t, h.OnPlay(t.Context(), play()))
	g := b.last(t)
	require.NoError(t, httphook.Verify(g.header, g.raw, key, time.Minute))
	require.ErrorIs(t, httphook.Verify(g.header, g.raw, key, -time.Second), httphook.ErrSignature)
	require.ErrorIs(t, httphook.Verify(g.header, append(g.raw, ' '), key, time.Minute), httphook.ErrSignature)
	require.ErrorIs(t, httphook.Verify(g.header, g.raw, []byte("other"), time.Minute), httphook.ErrSignature)
	require.ErrorIs(t, httphook.Verify(g.header, g.raw, nil, time.Minute), httphook.ErrSignature)
	for _, harm := range []map[string]string{
		{httphook.TimestampHeader: "1"},
		{httphook.TimestampHeader: "x"},
		{httphook.SignatureHeader: ""},
		{httphook.SignatureHeader: "sha256=00"},
		{httphook.SignatureHeader: "sha1=" + g.header.Get(httphook.SignatureHeader)},
	} {
		header := g.header.Clone()
		for name, value := range harm {
			header.Set(name, value)
		}
		require.ErrorIs(t, httphook.Verify(header, g.raw, key, time.Minute), httphook.ErrSignature)
	}
}

// A request goes nowhere but to the host it was meant for, and only as it is.
func TestRedirects(t *testing.T) {
	elsewhere := newBackend(t, nil)
	for name, c := range map[string]struct {
		code  int
		where func(here string) string
		ok    bool
	}{
		"another path":      {http.StatusTemporaryRedirect, func(here string) string { return here + "/to" }, true},
		"for good":          {http.StatusPermanentRedirect, func(string) string { return "/to" }, true},
		"another host":      {http.StatusTemporaryRedirect, func(string) string { return strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1) }, false},
		"as GET":            {http.StatusFound, func(string) string { return "/to" }, false},
		"round and round":   {http.StatusTemporaryRedirect, func(string) string { return "/hook/on_play" }, false},
		"no URL at all":     {http.StatusTemporaryRedirect, func(string) string { return "::" }, false},
		"another scheme":    {http.StatusTemporaryRedirect, func(string) string { return "file:///etc/passwd" }, false},
		"nowhere in itself": {http.StatusTemporaryRedirect, func(string) string { return "" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			var b *backend
			b = newBackend(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/to" {
					says(`{"code":0}`)(w, r)
					return
				}
				w.Header().Set("Location", c.where(b.URL))
				w.WriteHeader(c.code)
			})
			h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Retries = -1 })
			err := h.OnPlay(t.Context(), play())
			require.Equal(t, c.ok, err == nil, "%v", err)
			require.LessOrEqual(t, len(b.had()), 4)
		})
	}
	require.Empty(t, elsewhere.had())
}

func TestTLS(t *testing.T) {
	s := httptest.NewTLSServer(says(`{"code":0}`))
	defer s.Close()
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	require.ErrorContains(t, newHook(t, s.URL, nil).OnPlay(t.Context(), play()), "certificate")
	insecure := func(cfg *httphook.Config) { cfg.InsecureTLS = true }
	require.NoError(t, newHook(t, s.URL, insecure).OnPlay(t.Context(), play()))
	own := func(cfg *httphook.Config) { cfg.Transport = s.Client().Transport }
	require.NoError(t, newHook(t, s.URL, own).OnPlay(t.Context(), play()))
}

// A backend that closes idle connections is not noticed.
func TestStaleConnection(t *testing.T) {
	b := newBackend(t, nil)
	h := newHook(t, b.URL, func(cfg *httphook.Config) { cfg.Retries = -1 })
	for range 20 {
		require.NoError(t, h.OnPlay(t.Context(), play()))
		b.CloseClientConnections()
	}
	require.GreaterOrEqual(t, len(b.had()), 20)
}

func TestConfig(t *testing.T) {
	for text, cfg := range map[string]httphook.Config{
		"no event":  {URLs: map[string]string{"on_pubish": "http://h/"}},
		"http://":   {URLs: map[string]string{"on_play": "ftp://h/"}},
		"a host":    {URLs: map[string]string{"on_play": "http:///x"}},
		"on_play":   {URLs: map[string]string{"on_play": "http://h:port/?secret=canary"}},
		"Timeout":   {Timeout: -1},
		"Retries":   {Retries: -2},
		"1 MiB":     {OutboxLimit: 1},
		"directory": {Outbox: "/dev/null/x"},
	} {
		_, err := httphook.New(cfg)
		require.ErrorContains(t, err, text)
		require.NotContains(t, err.Error(), "canary")
	}
	require.Equal(t, 23*time.Second, httphook.Config{}.MaxWait())
	require.Equal(t, 6*time.Second, httphook.Config{Timeout: time.Second, Retries: 3, RetryDelay: time.Second}.MaxWait()-time.Second)
	require.Equal(t, time.Second, httphook.Config{Timeout: time.Second, Retries: -1}.MaxWait())
	require.Greater(t, httphook.Config{Timeout: 1 << 62, Retries: 1}.MaxWait()+time.Second, 1<<61*time.Nanosecond, "not less than nothing")
}

// What is in a URL stays out of errors and logs.
func TestNoSecretInErrors(t *testing.T) {
	var log bytes.Buffer
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	gone := "http://canary:canary@" + ln.Addr().String() + "/canary?secret=canary"
	require.NoError(t, ln.Close())
	h := newHook(t, "", func(cfg *httphook.Config) {
		cfg.URLs = map[string]string{"on_play": gone, "on_server_started": gone}
		cfg.Key = []byte("canary")
		cfg.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	err = h.OnPlay(t.Context(), play())
	require.Error(t, err)
	h.OnServerStarted(t.Context(), &hook.ServerStartedEvent{Config: map[string]string{"api.secret": "canary"}})
	require.Contains(t, log.String(), "observations lost")
	require.NotContains(t, log.String()+fmt.Sprint(err, errors.Unwrap(err), hook.PeerText(err)), "canary")
}

// While the backend is away, what it misses does not fill the log.
func TestLostObservationsAreCounted(t *testing.T) {
	var log bytes.Buffer
	h := newHook(t, "http://127.0.0.1:1/", func(cfg *httphook.Config) {
		cfg.Retries = -1
		cfg.Transport = nowhere{}
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	})
	for range 100 {
		h.OnServerExited(t.Context(), &hook.ServerExitedEvent{})
	}
	require.Contains(t, log.String(), "number=1 last=on_server_exited")
	require.Less(t, strings.Count(log.String(), "\n"), 50)
}

// nowhere is a network that is down.
type nowhere struct{}

func (nowhere) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("network is unreachable")
}
