package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/internal/testlog"
)

// limit is how long a test waits for what should come at once.
const limit = 20 * time.Second

// screen is what the server prints.
type screen struct{ testlog.Buffer }

// url is that of a line of the banner.
func (s *screen) url(t *testing.T, what string) string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^  ` + what + ` +(\S+)$`).FindStringSubmatch(s.String())
	require.NotNil(t, found, "%s is not in the banner:\n%s", what, s)
	return found[1]
}

// anyPort opens a free port instead of the one asked for, so that tests do not get in each other's way.
func anyPort(network, _ string) (net.Listener, error) { return net.Listen(network, "127.0.0.1:0") }

// start runs the server until the test ends, and returns what it prints once it is up. The test fails if it
// does not end in order.
func start(t *testing.T, args ...string) *screen {
	t.Helper()
	return startWith(t, anyPort, args...)
}

func startWith(t *testing.T, open listenFunc, args ...string) *screen {
	t.Helper()
	others := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		goleak.VerifyNone(t, others)
	})
	out, done := &screen{}, make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { done <- run(ctx, args, out, open) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			require.NoError(t, err)
		case <-time.After(limit):
			t.Error("the server does not end")
		}
	})
	require.Eventually(t, func() bool {
		select {
		case err := <-done:
			done <- err
			return true
		default:
			return strings.Contains(out.String(), "Sluice is running.")
		}
	}, limit, time.Millisecond)
	require.Contains(t, out.String(), "Sluice is running.")
	return out
}

// write puts a configuration in a folder of its own and returns its path.
func write(t *testing.T, text string) string {
	t.Helper()
	path := t.TempDir() + "/config.ini"
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// get returns a whole reply.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	res, err := http.Get(url)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res, string(body)
}

func TestDemoWritesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	out := start(t, "-demo")
	require.NotContains(t, out.String(), "telnet", "there is no secret for the shell")
	entries, err := os.ReadDir(".")
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestFirstStartWritesConfig(t *testing.T) {
	t.Chdir(t.TempDir())
	out := start(t)
	require.Contains(t, out.String(), "configuration written")
	info, err := os.Stat("config.ini")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	text, err := os.ReadFile("config.ini")
	require.NoError(t, err)
	secret := regexp.MustCompile(`(?m)^secret=(.+)$`).FindSubmatch(text)
	require.Len(t, secret[1], 32)
	require.NotContains(t, out.String(), string(secret[1]))
	require.NotContains(t, out.String(), "no effect", "nobody has set anything")
	require.Contains(t, out.String(), "telnet")
	require.Regexp(t, `GB28181   RTP to 127\.0\.0\.1:\d+ by UDP and TCP`, out.String())
}

// What somebody has set for a part that is not there is named.
func TestIdleSettingsAreNamed(t *testing.T) {
	out := start(t, "-c", write(t, "[rtp_proxy]\ndumpDir=dump\n[rtc]\nport=0\n[hls]\nsegKeep=1\nsegNum=0\n"))
	require.Equal(t, 1, strings.Count(out.String(), "no effect in this version\" keys=rtp_proxy.dumpDir\n"))
	require.NotContains(t, out.String(), "segNum")
}

func TestPortZeroIsOff(t *testing.T) {
	out := start(t, "-c", write(t, "[rtmp]\nport=0\n[rtsp]\nport=0\n[shell]\nport=0\n[rtp_proxy]\nport=0\n"))
	require.NotContains(t, out.String(), "rtmp://")
	require.NotContains(t, out.String(), "telnet")
	require.NotContains(t, out.String(), "GB28181")
	require.NotContains(t, out.String(), "no effect")
	_, body := get(t, out.url(t, "page")+"server.json")
	require.JSONEq(t, `{"publish":"","recordings":"record"}`, body)
}

func TestMistakesInConfig(t *testing.T) {
	out := &screen{}
	err := run(t.Context(), []string{"-c", write(t, "[http]\nprot=1\nport=http\n[rtmp]\nport=-1\n")}, out, anyPort)
	require.ErrorContains(t, err, `line 3: http.port is "http"`)
	require.ErrorContains(t, err, `line 5: rtmp.port is "-1"`)
	require.Contains(t, out.String(), `did you mean \"http.port\"?`)
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	onlyTaken := func(network, addr string) (net.Listener, error) {
		if strings.HasSuffix(addr, ":1935") {
			addr = taken.Addr().String()
		} else {
			addr = "127.0.0.1:0"
		}
		return net.Listen(network, addr)
	}
	err = run(t.Context(), []string{"-demo"}, io.Discard, onlyTaken)
	require.ErrorContains(t, err, "rtmp.port")
	require.ErrorContains(t, err, "another program has this port")
	goleak.VerifyNone(t)
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"stray"}, {"-c", "/"}, {"-demo", "-s", "/no/such.pem"}} {
		require.Error(t, run(t.Context(), args, io.Discard, anyPort), "%v", args)
	}
}

func TestFailingListenerEndsServer(t *testing.T) {
	broken := func(network, addr string) (net.Listener, error) {
		ln, err := anyPort(network, addr)
		if err == nil && strings.HasSuffix(addr, ":8080") {
			ln = brokenListener{ln}
		}
		return ln, err
	}
	err := run(t.Context(), []string{"-demo"}, io.Discard, broken)
	require.ErrorIs(t, err, errBroken)
	goleak.VerifyNone(t)
}

var errBroken = errors.New("broken")

type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errBroken }

func TestProfiles(t *testing.T) {
	out := start(t, "-demo", "-pprof", "127.0.0.1:0")
	res, body := get(t, out.url(t, "profiles")+"goroutine?debug=1")
	require.Equal(t, http.StatusOK, res.StatusCode)
	require.Contains(t, body, "mediaserver")
	res, _ = get(t, out.url(t, "page")+"debug/pprof/")
	require.Equal(t, http.StatusNotFound, res.StatusCode, "not where everyone can see it")
	for name, value := range map[string]string{"Origin": "http://evil.example", "X-Forwarded-For": "192.0.2.1", "Secret": "wrong", "Host": "evil.example"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, out.url(t, "profiles"), http.NoBody)
		require.NoError(t, err)
		r.Header.Set(name, value)
		r.Host = r.Header.Get("Host")
		res, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		res.Body.Close()
		require.Equal(t, http.StatusUnauthorized, res.StatusCode, name)
	}
}

// Nor does who asks for profiles hold a connection for as long as he likes.
func TestProfilesHaveDeadlines(t *testing.T) {
	s, err := newServer(config.New(), flags{}, anyPort, nil, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.media.Close()
	defer s.hook.Close()
	defer s.closeListeners()
	require.NoError(t, s.listenProfiles("127.0.0.1:0", anyPort))
	for _, limit := range []time.Duration{
		s.profiles.ReadHeaderTimeout, s.profiles.ReadTimeout, s.profiles.WriteTimeout, s.profiles.IdleTimeout,
	} {
		require.Positive(t, limit)
	}
}
