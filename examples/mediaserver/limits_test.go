package main

import (
	"errors"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
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

// connect opens a connection that has to be let in, or to be closed.
func connect(t *testing.T, addr string, letIn bool) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	wait := limit
	if letIn {
		wait = 300 * time.Millisecond
	}
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(wait)))
	_, err = conn.Read(make([]byte, 1))
	require.Equal(t, letIn, errors.Is(err, os.ErrDeadlineExceeded), "%s: %v", addr, err)
	return conn
}

// Connections of all protocols count together.
func TestConnectionLimit(t *testing.T) {
	out := start(t, "-c", write(t, "[general]\nmaxConnections=2\n"))
	require.Contains(t, out.String(), "connections=2 ")
	http, rtmp, rtsp := out.hostOf(t, "page"), out.hostOf(t, "RTMP"), out.hostOf(t, "RTSP")
	first := connect(t, http, true)
	connect(t, rtmp, true)
	for _, addr := range []string{http, rtmp, rtsp} {
		connect(t, addr, false)
	}
	require.Contains(t, out.String(), "connections refused")
	first.Close()
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", http)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.SetDeadline(time.Now().Add(limit)))
		_, _ = io.WriteString(conn, "GET /server.json HTTP/1.0\r\n\r\n")
		reply, _ := io.ReadAll(conn)
		return strings.HasPrefix(string(reply), "HTTP/1.0 200")
	}, limit, time.Millisecond)
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
