package web_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// host is an HTTP server with a handler of its own around that of the streams.
type host struct {
	mu     sync.Mutex
	seen   []string
	states []http.ConnState
}

func (x *host) wrap(h http.Handler, s *httptest.Server) http.Handler {
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		x.mu.Lock()
		defer x.mu.Unlock()
		if state == http.StateNew || state == http.StateHijacked {
			x.states = append(x.states, state)
		}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		x.seen = append(x.seen, r.Method+" "+r.URL.Path)
		x.mu.Unlock()
		w.Header().Set("X-Host", "here")
		switch {
		case r.URL.RawQuery == "panic":
			panic("the host's")
		case r.URL.Path == "/own":
			_, _ = io.Copy(w, r.Body)
		default:
			h.ServeHTTP(w, r)
		}
	})
}

func (x *host) sees() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]string(nil), x.seen...)
}

func (x *host) has(states ...http.ConnState) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.states) != len(states) {
		return false
	}
	for i, s := range states {
		if x.states[i] != s {
			return false
		}
	}
	return true
}

const playlistPath = "/live/test/hls.m3u8"

// viewer is a client on one connection.
type viewer struct {
	net.Conn
	in *bufio.Reader
}

func (s *server) watch(t *testing.T) *viewer {
	t.Helper()
	conn, in := s.send(t, get(playlistPath, ""))
	v := &viewer{conn, in}
	v.expect(t, http.MethodGet, 200)
	return v
}

func (v *viewer) ask(t *testing.T, request string) {
	t.Helper()
	_, err := io.WriteString(v, strings.ReplaceAll(request, "\n", "\r\n"))
	require.NoError(t, err)
}

// expect reads a reply and returns its body.
func (v *viewer) expect(t *testing.T, method string, status int) string {
	t.Helper()
	reply, err := http.ReadResponse(v.in, &http.Request{Method: method})
	require.NoError(t, err)
	require.Equal(t, status, reply.StatusCode)
	body, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	if status < 400 {
		require.Equal(t, []string{"here"}, reply.Header["X-Host"])
	}
	return string(body)
}

// ended waits until the server has closed the connection.
func (v *viewer) ended(t *testing.T) {
	t.Helper()
	_, err := io.Copy(io.Discard, v.in)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
}

// The host's handler sees each request on the connection of a viewer, which goes back to the host's server for what is not HLS.
func TestRequestsOfAViewer(t *testing.T) {
	var x host
	s := start(t, media.Config{}, web.Config{}, x.wrap)
	p := s.publish(t, "live", "test", 15)
	v := s.watch(t)
	require.True(t, x.has(http.StateNew, http.StateHijacked))
	v.ask(t, get(playlistPath, "")+get(playlistPath, "")) // at once
	text := v.expect(t, http.MethodGet, 200)
	require.Equal(t, text, v.expect(t, http.MethodGet, 200))
	segment := "/live/test/" + lastLine(text)
	v.ask(t, get(segment, ""))
	require.NotEmpty(t, v.expect(t, http.MethodGet, 200))
	v.ask(t, strings.Replace(get(segment, ""), "GET", "HEAD", 1))
	require.Empty(t, v.expect(t, http.MethodHead, 200))
	v.ask(t, get("/live/test/2026-11-27/10/00-00_9.ts", ""))
	v.expect(t, http.MethodGet, 404)
	require.True(t, x.has(http.StateNew, http.StateHijacked))
	v.ask(t, "POST /own HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello")
	require.Equal(t, "hello", v.expect(t, http.MethodPost, 200))
	require.True(t, x.has(http.StateNew, http.StateHijacked, http.StateNew))
	v.ask(t, get("/own", ""))
	require.Empty(t, v.expect(t, http.MethodGet, 200))
	v.ask(t, get(segment, ""))
	require.NotEmpty(t, v.expect(t, http.MethodGet, 200))
	require.True(t, x.has(http.StateNew, http.StateHijacked, http.StateNew, http.StateHijacked))
	v.ask(t, get("/live/test.live.flv", ""))
	reply, err := http.ReadResponse(v.in, nil)
	require.NoError(t, err)
	r := flv.NewReader(reply.Body)
	requireFLV(t, r, 10, 15)
	require.NoError(t, p.WritePacket(packet(15)))
	requireFLV(t, r, 15, 16)
	require.Equal(t, []string{
		"GET " + playlistPath, "GET " + playlistPath, "GET " + playlistPath, "GET " + segment, "HEAD " + segment,
		"GET /live/test/2026-11-27/10/00-00_9.ts", "POST /own", "GET /own", "GET " + segment, "GET /live/test.live.flv",
	}, x.sees())
}

// What is no request, or too long, or one that asks to be the last, the host's server answers.
func TestOddRequestsOfAViewer(t *testing.T) {
	for request, status := range map[string]int{
		"nonsense\n\n": 400,
		get(playlistPath, "A: "+strings.Repeat("x", 2<<20)+"\n"):              431,
		get(playlistPath, "Host: again\n"):                                    400,
		get(playlistPath, "Connection: close\n"):                              200,
		get(playlistPath, "Content-Length: 5\nConnection: close\n") + "hello": 200,
	} {
		t.Run(request[:min(len(request), 60)], func(t *testing.T) {
			var x host
			s := start(t, media.Config{}, web.Config{}, x.wrap)
			s.publish(t, "live", "test", 15)
			v := s.watch(t)
			go func() { _, _ = io.WriteString(v, strings.ReplaceAll(request, "\n", "\r\n")) }() // it may be closed before the end
			reply, err := http.ReadResponse(v.in, nil)
			require.NoError(t, err)
			require.Equal(t, status, reply.StatusCode)
		})
	}
}

// A connection on which nothing is asked ends when the host's server would end it.
func TestViewersConnectionRests(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, func(h http.Handler, s *httptest.Server) http.Handler {
		s.Config.IdleTimeout = 50 * time.Millisecond
		return new(host).wrap(h, s)
	})
	s.publish(t, "live", "test", 15)
	s.watch(t).ended(t)
	half := s.watch(t)
	half.ask(t, "GET "+playlistPath)
	half.ended(t)
}

// With the streams end the connections of those who watch, at rest or not.
func TestViewersConnectionEnds(t *testing.T) {
	ends := map[string]func(*media.Server, context.Context) error{
		"Shutdown": (*media.Server).Shutdown,
		"Close":    func(m *media.Server, _ context.Context) error { return m.Close() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{}, web.Config{}, new(host).wrap)
			s.publish(t, "live", "test", 15)
			v, asks := s.watch(t), s.watch(t)
			asks.ask(t, get(playlistPath+"?_HLS_msn=1&_HLS_part=0", ""))
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			require.NoError(t, end(s.media, ctx))
			v.ended(t)
			asks.ended(t)
		})
	}
}

// A panic of the host's handler ends the connection of its request, and is in the log.
func TestHostPanics(t *testing.T) {
	var log bytes.Buffer
	s := start(t, media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, web.Config{}, new(host).wrap)
	s.publish(t, "live", "test", 15)
	v := s.watch(t)
	v.ask(t, get(playlistPath+"?panic", ""))
	v.ended(t)
	s.watch(t)
	require.NoError(t, s.media.Close())
	require.Contains(t, log.String(), "the host's")
}
