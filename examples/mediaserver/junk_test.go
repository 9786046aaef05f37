package main

import (
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Whoever is not admitted cannot fill the log, by whatever protocol he comes: each kind of failure has a line a second.
func TestJunkDoesNotFillTheLog(t *testing.T) {
	out := start(t, "-c", write(t, "[general]\nmaxStreamWaitMS=0\n"))
	addr := func(what string) string {
		u, err := url.Parse(out.url(t, what))
		require.NoError(t, err)
		return u.Host
	}
	upgrade := "GET /live/x.live.flv HTTP/1.1\r\nHost: h\r\nOrigin: http://evil\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	begun, from := time.Now(), len(out.String())
	for range 50 {
		for what, junk := range map[string]string{
			"RTMP": strings.Repeat("\xff", 1537), "RTSP": strings.Repeat("junk ", 3000) + "\r\n\r\n",
			"page": upgrade, "HTTP-FLV": "GET /live/x.live.flv HTTP/1.0\r\n\r\n",
		} {
			conn, err := net.Dial("tcp", addr(what))
			require.NoError(t, err)
			require.NoError(t, conn.SetDeadline(time.Now().Add(limit)))
			_, _ = io.WriteString(conn, junk) // it may have been refused before its end
			if what == "page" {
				require.NoError(t, conn.(*net.TCPConn).CloseWrite())
			}
			_, _ = io.Copy(io.Discard, conn)
			conn.Close()
		}
	}
	lines := strings.Count(out.String()[from:], "\n")
	require.Positive(t, lines, "nothing is said")
	require.LessOrEqual(t, lines, 4*(1+int(time.Since(begun)/time.Second)), "%s", out.String()[from:])
}
