package interop

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

const (
	realm    = "interop"
	user     = "alice"
	password = "open sesame"
)

// Real clients prove who they are, and are sent away if they cannot.
func TestRTSPAuthentication(t *testing.T) {
	t.Parallel()
	source := getClip(t, "h264", 0)
	need(t, "curl")
	sum := md5.Sum([]byte(user + ":" + realm + ":" + password))
	secrets := map[string]hook.RTSPAuthReply{
		"plain": {Password: password}, "HA1": {Password: hex.EncodeToString(sum[:]), Encrypted: true},
	}
	for _, c := range []struct {
		name   string
		secret string
		basic  bool
		fails  bool // the hook that names the realm
	}{
		{"Digest of a plain password", "plain", false, false},
		{"Digest of HA1", "HA1", false, false},
		{"Basic", "plain", true, false},
		{"Digest without a realm", "plain", false, true},
		{"Basic without a realm", "plain", true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, media.Config{Hooks: []hook.Hook{hook.Funcs{
				OnRTSPRealm: func(context.Context, *hook.RTSPRealmEvent) (string, error) {
					if c.fails {
						return "", errors.New("the realm is not known")
					}
					return realm, nil
				},
				OnRTSPAuth: func(_ context.Context, ev *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
					if ev.UserName != user {
						return hook.RTSPAuthReply{}, hook.Deny(401, "no such user")
					}
					return secrets[c.secret], nil
				},
			}}}, nil)
			if c.basic {
				s.rtsp = serveRTSP(t, s.media, rtsp.Config{BasicAuth: true})
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			// The realm is for players: who publishes is asked by OnPublish.
			background(ctx, t, ffmpegPublish(source.file, s.rtmpURL())...)
			s.await(ctx, t)
			for _, l := range []struct {
				name string
				user *url.Userinfo
				good bool
			}{
				{"nobody", nil, false},
				{"the right password", url.UserPassword(user, password), !c.fails},
				{"a wrong password", url.UserPassword(user, "close sesame"), false},
				{"a wrong user", url.UserPassword("bob", password), false},
			} {
				t.Run(l.name, func(t *testing.T) {
					refusal := "nauthorized"
					if c.fails { // nobody has decided
						refusal = "503"
					}
					tryLogin(ctx, t, s, c.basic, l.user, l.good, refusal)
				})
			}
		})
	}
}

// serveRTSP starts another RTSP server, and returns its address.
func serveRTSP(t *testing.T, m *media.Server, cfg rtsp.Config) string {
	t.Helper()
	s, err := rtsp.NewServer(m, cfg)
	require.NoError(t, err)
	ln := listen(t)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		<-served
	})
	return ln.Addr().String()
}

// tryLogin plays for a moment with ffmpeg, and lets GStreamer and curl try too.
func tryLogin(ctx context.Context, t *testing.T, s *server, basic bool, login *url.Userinfo, good bool, refusal string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	u := url.URL{Scheme: "rtsp", User: login, Host: s.rtsp, Path: streamPath}
	out := filepath.Join(t.TempDir(), "out.nut")
	clients := map[string][]string{
		"ffmpeg": {"ffmpeg", "-v", "error", "-y", "-rtsp_transport", "tcp", "-i", u.String(), "-map", "0:v", "-frames:v", "10", "-c:v", "rawvideo", out},
		"GStreamer": append(gstRTSPSource(u.String(), "tcp"),
			"s.", "!", "rtph264depay", "!", "fakesink", "num-buffers=10", "s.", "!", "rtpmp4gdepay", "!", "fakesink", "async=false"),
	}
	for name, args := range clients {
		if !installed(args[0]) {
			continue
		}
		text, err := run(ctx, args...)
		require.NoError(t, ctx.Err(), "%s does not end by itself", name)
		if good {
			require.NoError(t, err, name)
			continue
		}
		require.Error(t, err, name)
		require.Contains(t, text, refusal, name)
	}
	scheme := "--digest"
	if basic {
		scheme = "--basic"
	}
	curl := []string{"curl", "-sS", "-i", scheme}
	if login != nil {
		secret, _ := login.Password()
		curl = append(curl, "-u", login.Username()+":"+secret)
	}
	// All that the curl program asks for is OPTIONS, for which nobody has to prove anything.
	text, err := run(ctx, append(curl, "rtsp://"+s.rtsp+streamPath)...)
	require.NoError(t, err)
	require.Contains(t, text, "RTSP/1.0 200")
}
