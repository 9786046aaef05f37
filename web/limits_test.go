package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

func secure(http2 bool) func(http.Handler, *httptest.Server) http.Handler {
	return func(h http.Handler, s *httptest.Server) http.Handler {
		s.TLS, s.EnableHTTP2 = &tls.Config{MinVersion: tls.VersionTLS12}, http2
		return h
	}
}

// flood publishes large pictures until the test ends.
func flood(t *testing.T, s *server) {
	t.Helper()
	p := s.publish(t, "live", "test", 1)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() { stop(); <-done })
	go func() {
		defer close(done)
		for i := 1; ctx.Err() == nil; i++ {
			large := packet(i)
			large.Data = append([]byte{0, 3, 0, 0}, make([]byte, 3<<16)...)
			if p.WritePacket(large) != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
}

func (s *server) player() *media.Session {
	for x := range s.media.Sessions() {
		if x.Player() != nil {
			return x
		}
	}
	return nil
}

// Whoever does not read is ended, whatever is between it and the server.
func TestStalledViewersEnd(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler, *httptest.Server) http.Handler{
		"plain": nil, "TLS": secure(false), "HTTP/2": secure(true),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{StallTimeout: 300 * time.Millisecond}, web.Config{}, wrap)
			flood(t, s)
			reply, err := s.Client().Get(s.URL + "/live/test.live.flv")
			require.NoError(t, err)
			defer reply.Body.Close()
			require.Equal(t, 200, reply.StatusCode)
			require.Eventually(t, func() bool { return s.player() == nil }, patience, 10*time.Millisecond)
		})
	}
}

// A kick ends a viewer that does not read at once.
func TestKickedViewersEnd(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler, *httptest.Server) http.Handler{
		"plain": nil, "TLS": secure(false), "HTTP/2": secure(true),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{StallTimeout: -1}, web.Config{}, wrap)
			flood(t, s)
			reply, err := s.Client().Get(s.URL + "/live/test.live.flv")
			require.NoError(t, err)
			defer reply.Body.Close()
			before := uint64(0)
			require.Eventually(t, func() bool { // until its buffers are full
				x := s.player()
				if x == nil {
					return false
				}
				_, sent := x.Bytes()
				full := sent > 0 && sent == before
				before = sent
				return full
			}, patience, 300*time.Millisecond)
			s.player().Kick(media.ErrKicked)
			require.Eventually(t, func() bool { return s.player() == nil }, patience, 10*time.Millisecond)
		})
	}
}

// A viewer by HTTP/2 stays while nothing is published, however short the time to read is.
func TestQuietStreamIsNoStall(t *testing.T) {
	s := start(t, media.Config{StallTimeout: time.Second}, web.Config{}, secure(true))
	pub := s.publish(t, "live", "test", 1)
	reply, err := s.Client().Get(s.URL + "/live/test.live.flv")
	require.NoError(t, err)
	defer reply.Body.Close()
	_, err = io.ReadFull(reply.Body, make([]byte, 20))
	require.NoError(t, err)
	time.Sleep(1500 * time.Millisecond)
	require.NoError(t, pub.WritePacket(packet(1)))
	pub.Close(nil)
	_, err = io.Copy(io.Discard, reply.Body)
	require.NoError(t, err)
}

// The limits of the host's http.Server are not for streams: neither while one is waited for, nor while it is played.
func TestStreamsOutliveTheLimitsOfTheServer(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler, *httptest.Server) http.Handler{
		"plain": nil, "HTTP/2": secure(true),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{}, web.Config{}, func(h http.Handler, s *httptest.Server) http.Handler {
				s.Config.ReadTimeout, s.Config.WriteTimeout = time.Second, time.Second
				if wrap != nil {
					h = wrap(h, s)
				}
				return h
			})
			got := make(chan error, 1)
			go func() {
				reply, err := s.Client().Get(s.URL + "/live/test.live.flv")
				if err == nil {
					defer reply.Body.Close()
					_, err = io.Copy(io.Discard, reply.Body)
				}
				got <- err
			}()
			time.Sleep(1500 * time.Millisecond)
			pub := s.publish(t, "live", "test", 1)
			time.Sleep(1500 * time.Millisecond)
			require.NoError(t, pub.WritePacket(packet(1)))
			pub.Close(nil)
			require.NoError(t, <-got)
		})
	}
}

type userKey struct{}

// What the host put into the context of a request reaches OnPlay, by every way.
func TestHooksSeeTheContextOfTheRequest(t *testing.T) {
	seen := make(chan any, 2)
	s := start(t, media.Config{PlayWait: -1, Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(ctx context.Context, _ *hook.PlayEvent) error {
			seen <- ctx.Value(userKey{})
			return nil
		},
	}}}, web.Config{}, func(h http.Handler, _ *httptest.Server) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), userKey{}, "anna")))
		})
	})
	s.send(t, get("/live/test.live.flv", ""))
	require.Equal(t, "anna", <-seen)
	require.Equal(t, 404, s.dial(t, "/live/test.live.flv").closed())
	require.Equal(t, "anna", <-seen)
}

// Where a proxy ends TLS, the origin of the server's own pages is what the proxy says, if it is believed.
func TestOriginBehindAProxy(t *testing.T) {
	for origin, want := range map[string]map[bool]int{
		"https://h":      {true: 101, false: 403},
		"https://h:443":  {true: 101, false: 403},
		"http://h":       {true: 403, false: 101},
		"https://h:8443": {true: 403, false: 403},
	} {
		for trusted, status := range want {
			s := start(t, media.Config{}, web.Config{TrustedProxy: func(netip.Addr) bool { return trusted }}, nil)
			s.publish(t, "live", "test", 1)
			head := "Origin: " + origin + "\nX-Forwarded-Proto: https\n"
			_, r := s.send(t, strings.Replace(upgrade("/live/test.live.flv"), "\n\n", "\n"+head+"\n", 1))
			reply, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			require.Equal(t, status, reply.StatusCode, "%s, trusted: %v", origin, trusted)
		}
	}
}

// Pages of other origins play only where they are allowed to.
func TestOrigins(t *testing.T) {
	for _, c := range []struct {
		allow          []string
		origin         string
		header         string
		status, socket int
	}{
		{nil, "http://evil", "", 200, 403},
		{nil, "http://h", "", 200, 101},
		{nil, "http://H:80", "", 200, 101},
		{nil, "https://h", "", 200, 403},
		{nil, "http://h:8080", "", 200, 403},
		{nil, "null", "", 200, 403},
		{nil, "", "", 200, 101},
		{[]string{"https://good"}, "https://good", "https://good", 200, 101},
		{[]string{"https://good:443"}, "https://good", "https://good", 200, 101},
		{[]string{"https://good"}, "http://good", "", 200, 403},
		{[]string{"*"}, "http://any", "http://any", 200, 101},
	} {
		s := start(t, media.Config{}, web.Config{AllowOrigins: c.allow}, nil)
		s.publish(t, "live", "test", 1)
		head := ""
		if c.origin != "" {
			head = "Origin: " + c.origin + "\n"
		}
		ask := func(request string) *http.Response {
			_, r := s.send(t, request)
			reply, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			reply.Body.Close()
			return reply
		}
		for _, request := range []string{get("/live/test.live.flv", head), strings.Replace(get("/live/test.live.flv", head), "GET", "OPTIONS", 1)} {
			reply := ask(request)
			require.Equal(t, c.status, reply.StatusCode)
			require.Equal(t, c.header, strings.TrimPrefix(reply.Header.Get("Access-Control-Allow-Origin"), "*"))
			require.Equal(t, c.header != "", reply.Header.Get("Access-Control-Allow-Credentials") != "" && c.origin != "")
		}
		require.Equal(t, c.socket, ask(strings.Replace(upgrade("/live/test.live.flv"), "\n\n", "\n"+head+"\n", 1)).StatusCode, "%+v", c)
	}
}

// A hook that cannot decide is no refusal of the client, and a client that gives up was not refused.
func TestWordsOfRefusals(t *testing.T) {
	var log testlog.Buffer
	s := start(t, media.Config{Logger: log.Logger(), PlayWait: time.Minute, Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
			switch ev.Session.Params {
			case "down":
				return errors.New("no route to the backend")
			case "deny":
				return hook.Deny(7, "bad token")
			}
			return nil
		},
	}}}, web.Config{}, nil)
	for query, want := range map[string]int{"down": 503, "deny": 401} {
		reply, err := s.Client().Get(s.URL + "/live/test.live.flv?" + query)
		require.NoError(t, err)
		body, err := io.ReadAll(reply.Body)
		require.NoError(t, err)
		reply.Body.Close()
		require.Equal(t, want, reply.StatusCode)
		require.NotContains(t, string(body), "backend")
		require.Equal(t, want, s.dial(t, "/live/test.live.flv?"+query).closed())
	}
	require.Equal(t, 4, strings.Count(log.String(), `msg="session refused"`))
	for _, request := range []string{get("/live/test.live.flv", ""), upgrade("/live/test.live.flv")} {
		conn, _ := s.send(t, request)
		require.Eventually(t, func() bool {
			for x := range s.media.Sessions() {
				if x.Info().Params == "" {
					return true
				}
			}
			return false
		}, patience, time.Millisecond)
		conn.Close()
		require.Eventually(t, func() bool {
			for range s.media.Sessions() {
				return false
			}
			return true
		}, patience, time.Millisecond)
	}
	require.Equal(t, 4, strings.Count(log.String(), `msg="session refused"`))
}

// A body that nobody asks for, and that does not come, holds no connection.
func TestMissingBodies(t *testing.T) {
	s := start(t, media.Config{PlayWait: -1}, web.Config{}, nil)
	var waiting []*bufio.Reader
	for _, method := range []string{"GET", "POST", "HEAD"} {
		conn, r := s.send(t, method+" /live/none.live.flv HTTP/1.1\nHost: h\nContent-Length: 1000\n\n")
		require.NoError(t, conn.SetDeadline(time.Now().Add(2*patience)))
		waiting = append(waiting, r)
	}
	for _, r := range waiting {
		_, err := io.Copy(io.Discard, r)
		require.NoError(t, err)
	}
}

// Whoever comes while the server ends gets the stream or is told, never an empty reply.
func TestViewersDuringShutdown(t *testing.T) {
	for range 20 {
		s := start(t, media.Config{}, web.Config{}, nil)
		s.publish(t, "live", "test", 1)
		var viewers sync.WaitGroup
		begin := make(chan struct{})
		for i := range 10 {
			conn, r := s.send(t, "")
			viewers.Go(func() {
				<-begin
				time.Sleep(time.Duration(i) * 50 * time.Microsecond)
				_, _ = io.WriteString(conn, strings.ReplaceAll(get("/live/test.live.flv", ""), "\n", "\r\n"))
				reply, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Errorf("an empty reply: %v", err)
					return
				}
				reply.Body.Close()
				if reply.StatusCode != 200 && reply.StatusCode != 503 && reply.StatusCode != 404 {
					t.Errorf("status %d", reply.StatusCode)
				}
			})
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		close(begin)
		require.NoError(t, s.media.Shutdown(ctx))
		cancel()
		viewers.Wait()
	}
}

// hijacked tells when a connection is about to be taken over.
type hijacked struct {
	http.ResponseWriter
	before func()
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	h.before()
	return http.NewResponseController(h.ResponseWriter).Hijack()
}

// The same where the server begins to end between the two steps of letting a viewer in.
func TestShutdownWhileAViewerIsLetIn(t *testing.T) {
	for _, ws := range []bool{false, true} {
		var s *server
		ended := make(chan error, 1)
		s = start(t, media.Config{}, web.Config{}, func(h http.Handler, _ *httptest.Server) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				h.ServeHTTP(hijacked{w, func() {
					go func() { ended <- s.media.Shutdown(context.WithoutCancel(r.Context())) }()
					require.Eventually(t, func() bool {
						_, err := s.media.Publish(context.Background(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "x"}})
						return errors.Is(err, media.ErrServerClosed)
					}, patience, time.Millisecond)
				}}, r)
			})
		})
		s.publish(t, "live", "test", 1)
		if ws {
			require.Equal(t, 503, s.dial(t, "/live/test.live.flv").closed())
		} else {
			_, r := s.send(t, get("/live/test.live.flv", ""))
			reply, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			reply.Body.Close()
			require.Equal(t, 503, reply.StatusCode)
		}
		require.NoError(t, <-ended)
	}
}
