package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
	"github.com/sluice-media/sluice/media"
)

// hostOf returns the address of a line of the banner.
func (s *screen) hostOf(t *testing.T, what string) string {
	t.Helper()
	u, err := url.Parse(s.url(t, what))
	require.NoError(t, err)
	return u.Host
}

// begin opens a connection and sends what begins something, and no more.
func begin(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, text)
	require.NoError(t, err)
	return conn
}

// closes waits for the end of a connection.
func closes(t *testing.T, conn net.Conn, what string) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(limit)))
	_, err := io.Copy(io.Discard, conn)
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded, what)
}

// Whoever begins something and goes no further keeps nobody out: the oldest of them gives way, of whatever protocol. Who
// publishes, plays or has shown that he may call the API stays.
func TestConnectionLimit(t *testing.T) {
	out := start(t, "-demo", "-c", write(t, "[general]\nmaxConnections=6\nmaxStreamWaitMS=60000\n[api]\nsecret=sesame\n"))
	require.Contains(t, out.String(), "connections=6 ")
	page, rtmp, rtsp := out.hostOf(t, "page"), out.hostOf(t, "RTMP"), out.hostOf(t, "RTSP")
	viewer, err := (&http.Client{Transport: &http.Transport{}}).Get(out.url(t, "HTTP-FLV"))
	require.NoError(t, err)
	defer viewer.Body.Close()
	caller := &http.Client{Transport: &http.Transport{}}
	call := func() {
		res, err := caller.Post("http://"+page+"/index/api/version", "application/x-www-form-urlencoded", strings.NewReader("secret=sesame"))
		require.NoError(t, err)
		defer res.Body.Close()
		_, err = io.Copy(io.Discard, res.Body)
		require.NoError(t, err)
	}
	var used atomic.Int32
	caller.Transport.(*http.Transport).DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		used.Add(1)
		return new(net.Dialer).DialContext(ctx, network, addr)
	}
	call()
	beginnings := []struct{ addr, text string }{
		{page, ""},
		{page, "GET /live/none.live.flv HTTP/1.1\r\nHo"},
		{page, "GET /live/none.live.flv HTTP/1.1\r\nHost: a\r\n\r\n"},
		{page, "GET /live/none.live.flv HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"},
		{page, "POST /index/api/version HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n"},
		{rtmp, ""},
		{rtmp, "\x03"},
		{rtsp, ""},
		{rtsp, "DESCRIBE rtsp://a/live/none RTSP/1.0\r\nCSeq: 1\r\n\r\n"},
		{rtsp, "ANNOUNCE rtsp://a/live/new RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 100\r\n\r\n"},
		{rtsp, "GET /live/demo HTTP/1.0\r\nx-sessioncookie: 1\r\n\r\n"},
	}
	var open []net.Conn
	for range 3 {
		for _, b := range beginnings {
			open = append(open, begin(t, b.addr, b.text))
		}
	}
	closed := make(chan struct{})
	for _, conn := range open {
		go func() {
			_, _ = io.Copy(io.Discard, conn)
			closed <- struct{}{}
		}()
	}
	defer func() { // who has been let in may stay
		for i := range open {
			open[i].Close()
		}
		for range 4 {
			<-closed
		}
	}()
	for range len(open) - 4 { // six may be there, and two have shown that they may stay
		select {
		case <-closed:
		case <-time.After(limit):
			require.Fail(t, "they keep their connections")
		}
	}
	require.Contains(t, out.String(), "gave way")
	require.NotContains(t, out.String(), "connections refused")
	playFLV(t, &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, out.url(t, "HTTP-FLV"))
	playRTMP(t, out.url(t, "RTMP"), nil)
	playRTSP(t, out.url(t, "RTSP"))
	_, err = io.CopyN(io.Discard, viewer.Body, 64<<10)
	require.NoError(t, err, "who plays stays")
	call()
	require.EqualValues(t, 1, used.Load(), "who may call stays")
}

// When all play, who comes next is refused.
func TestConnectionsRefused(t *testing.T) {
	out := start(t, "-demo", "-c", write(t, "[general]\nmaxConnections=2\n"))
	for range 2 {
		viewer, err := (&http.Client{Transport: &http.Transport{}}).Get(out.url(t, "HTTP-FLV"))
		require.NoError(t, err)
		defer viewer.Body.Close()
		_, err = io.CopyN(io.Discard, viewer.Body, 1<<10)
		require.NoError(t, err)
	}
	for _, what := range []string{"page", "RTMP", "RTSP"} {
		conn, err := net.Dial("tcp", out.hostOf(t, what))
		require.NoError(t, err)
		defer conn.Close()
		closes(t, conn, what)
	}
	require.Contains(t, out.String(), "connections refused")
}

// The limits leave descriptors for what is no connection, and room for others beside one address.
func TestLimitsKeepRoom(t *testing.T) {
	files, err := raiseDescriptors()
	require.NoError(t, err)
	cfg := config.New()
	require.NoError(t, cfg.Set("general.maxConnections", "0"))
	require.NoError(t, cfg.Set("general.maxConnectionsPerAddress", "1000000"))
	var m media.Config
	limitConnections(&m, cfg)
	if files > 0 {
		require.Less(t, m.MaxConnections, files)
		require.Less(t, m.MaxConnectionsPerAddress, m.MaxConnections)
	}
	require.Equal(t, 5, atMost(5, 9))
	require.Equal(t, 9, atMost(0, 9))
	require.Equal(t, 1, atMost(0, -4))
}
