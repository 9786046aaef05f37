package web_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// awaitWaiting waits until n sessions are listed.
func (s *server) awaitWaiting(t testing.TB, n int) {
	t.Helper()
	require.Eventually(t, func() bool {
		count := 0
		for range s.media.Sessions() {
			count++
		}
		return count == n
	}, patience, time.Millisecond)
}

// Who waits for a stream has been let in once, sees the headers of any other, and what it says meanwhile means nothing.
func TestViewersWaitOnTheirOwn(t *testing.T) {
	var asked atomic.Int32
	hooks := hook.Funcs{OnPlay: func(context.Context, *hook.PlayEvent) error {
		asked.Add(1)
		return nil
	}}
	s := start(t, media.Config{PlayWait: time.Minute, Hooks: []hook.Hook{hooks}}, web.Config{AllowOrigins: []string{"http://page"}}, nil)
	conn, r := s.send(t, get("/live/late.live.flv", "Origin: http://page\n")+"GET /live/other HTTP/1.1\n")
	s.awaitWaiting(t, 1)
	_, err := io.WriteString(conn, strings.Repeat("x", 1000))
	require.NoError(t, err)
	pub := s.publish(t, "live", "late", 5)
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	defer reply.Body.Close()
	require.Equal(t, 200, reply.StatusCode)
	require.Equal(t, "video/x-flv; charset=utf-8", reply.Header.Get("Content-Type"))
	require.Equal(t, "no-store", reply.Header.Get("Cache-Control"))
	require.Equal(t, "http://page", reply.Header.Get("Access-Control-Allow-Origin"))
	body := flv.NewReader(reply.Body)
	requireFLV(t, body, 0, 5)
	pub.Close(nil)
	_, _, _, err = body.Next()
	require.Error(t, err) // a reset if the server has not read yet what the client said
	require.EqualValues(t, 1, asked.Load())
}

func TestWaitingViewersAreRefused(t *testing.T) {
	end := make(chan struct{})
	hooks := hook.Funcs{OnStreamNotFound: func(context.Context, *hook.PlayEvent) (bool, error) {
		<-end
		return true, nil
	}}
	s := start(t, media.Config{PlayWait: time.Minute, Hooks: []hook.Hook{hooks}}, web.Config{AllowOrigins: []string{"http://page"}}, nil)
	_, r := s.send(t, get("/live/<none>.live.flv", "Origin: http://page\n"))
	s.awaitWaiting(t, 1)
	close(end)
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	defer reply.Body.Close()
	require.Equal(t, 404, reply.StatusCode)
	require.True(t, reply.Close)
	require.Equal(t, "text/html; charset=utf-8", reply.Header.Get("Content-Type"))
	require.Equal(t, "http://page", reply.Header.Get("Access-Control-Allow-Origin"))
	page, err := io.ReadAll(reply.Body)
	require.NoError(t, err)
	require.Contains(t, string(page), "/live/&lt;none&gt;.live.flv")
	_, err = r.ReadByte()
	require.Equal(t, io.EOF, err)
	s.awaitWaiting(t, 0)
}

func TestWaitingViewersEnd(t *testing.T) {
	for name, end := range map[string]func(*testing.T, *server, net.Conn){
		"by themselves": func(_ *testing.T, _ *server, conn net.Conn) { conn.Close() },
		"kicked": func(_ *testing.T, s *server, _ net.Conn) {
			for x := range s.media.Sessions() {
				x.Kick(media.ErrKicked)
			}
		},
		"shutdown": func(t *testing.T, s *server, _ net.Conn) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			require.NoError(t, s.media.Shutdown(ctx))
		},
		"close": func(t *testing.T, s *server, _ net.Conn) { require.NoError(t, s.media.Close()) },
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{PlayWait: time.Hour}, web.Config{}, nil)
			conn, r := s.send(t, get("/live/none.live.flv", ""))
			s.awaitWaiting(t, 1)
			end(t, s, conn)
			s.awaitWaiting(t, 0)
			_, err := io.Copy(io.Discard, r)
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded) // the connection ends, with an answer or without
		})
	}
}

func TestViewersWaitByTLS(t *testing.T) {
	s := start(t, media.Config{PlayWait: time.Minute}, web.Config{}, func(h http.Handler, s *httptest.Server) http.Handler {
		s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
		return h
	})
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // a certificate of the test
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, strings.ReplaceAll(get("/live/late.live.flv", ""), "\n", "\r\n"))
	require.NoError(t, err)
	s.awaitWaiting(t, 1)
	defer s.publish(t, "live", "late", 5).Close(nil)
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer reply.Body.Close()
	requireFLV(t, flv.NewReader(reply.Body), 0, 5)
}

// Each of a crowd that waits for a stream has one goroutine at most.
func TestACrowdWaits(t *testing.T) {
	const crowd = 200
	s := start(t, media.Config{PlayWait: time.Hour}, web.Config{}, nil)
	before := runtime.NumGoroutine()
	for range crowd {
		s.send(t, get("/live/none.live.flv", ""))
	}
	s.awaitWaiting(t, crowd)
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+crowd+10 }, patience, time.Millisecond)
}
