package web_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// limited makes a server of which the connections are counted.
func limited(t *testing.T, mc media.Config, secured bool) *server {
	t.Helper()
	var m *media.Server
	s := start(t, mc, web.Config{}, func(_ http.Handler, s *httptest.Server) http.Handler {
		var err error
		m, err = media.New(mc)
		require.NoError(t, err)
		h, err := web.NewHandler(m, web.Config{})
		require.NoError(t, err)
		s.Listener = m.Limit(s.Listener)
		if secured {
			return secure(true)(h, s)
		}
		return h
	})
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	s.media = m
	return s
}

// knock opens a connection and reports whether it is let in.
func (s *server) knock(t *testing.T) bool {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, "GET /no/such.live.flv HTTP/1.0\r\n\r\n")
	require.NoError(t, err)
	_, err = bufio.NewReader(conn).ReadString('\n')
	return err == nil
}

// A reply by HTTP/2 that is a live stream gives way to nobody.
func TestLiveRepliesByHTTP2Stay(t *testing.T) {
	s := limited(t, media.Config{MaxConnections: 1, PlayWait: -1}, true)
	s.publish(t, "live", "test", 1)
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/live/test.live.flv", http.NoBody)
	require.NoError(t, err)
	reply, err := s.Client().Do(r)
	require.NoError(t, err)
	defer reply.Body.Close()
	require.Equal(t, 2, reply.ProtoMajor)
	_, err = io.ReadFull(reply.Body, make([]byte, 13))
	require.NoError(t, err)
	require.False(t, s.knock(t), "it was let in instead of the viewer")
	require.NotNil(t, s.player())
	leave()
	require.Eventually(t, func() bool { return s.player() == nil }, patience, time.Millisecond)
}

// Who waits for a stream and gives way has no session any more, also if more of him came than the server looks at.
func TestWaitingViewersGiveWay(t *testing.T) {
	for name, request := range map[string]string{
		"a reply": get("/live/test.live.flv", ""), "a reply, and more": get("/live/test.live.flv", ""), "a socket": upgrade("/live/test.live.flv"),
	} {
		s := limited(t, media.Config{MaxConnections: 1, PlayWait: time.Hour}, false)
		waiting := func() (n int) {
			for range s.media.Sessions() {
				n++
			}
			return n
		}
		viewer, _ := s.send(t, request)
		require.Eventually(t, func() bool { return waiting() == 1 }, patience, time.Millisecond, name)
		if name == "a reply, and more" {
			_, err := viewer.Write([]byte("x"))
			require.NoError(t, err)
			time.Sleep(50 * time.Millisecond) // the http.Server reads it, and then no more
		}
		conn, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		require.Eventually(t, func() bool { return waiting() == 0 }, patience, time.Millisecond, name)
		conn.Close()
	}
}
