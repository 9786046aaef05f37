package main

import (
	"net"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// said are the lines about a protocol, but for those of level debug, and without what differs from run to run.
func (s *screen) said(proto string) (lines []string) {
	changing := regexp.MustCompile(`^time=\S+ | session=\S+ proto=` + proto + ` peer=[0-9.:]+`)
	for line := range strings.Lines(s.String()) {
		if strings.Contains(line, " proto="+proto+" ") && !strings.Contains(line, "level=DEBUG") {
			lines = append(lines, changing.ReplaceAllString(strings.TrimSpace(line), ""))
		}
	}
	return lines
}

// playByAll has a viewer of each protocol play a stream, who stays connected, and waits for the answers.
func playByAll(t *testing.T, out *screen, stream, rtspAnswer string) (viewers []net.Conn) {
	t.Helper()
	page := out.hostOf(t, "page")
	const upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	get := "GET /live/" + stream + ".live.flv HTTP/1.1\r\nHost: " + page + "\r\n"
	target := "rtsp://h/live/" + stream
	return []net.Conn{
		ask(t, page, get+"\r\n", "HTTP/1.1 "),
		ask(t, page, get+upgrade+"\r\n", "\r\n\r\n"),
		ask(t, out.hostOf(t, "RTSP"), "DESCRIBE "+target+" RTSP/1.0\r\nCSeq: 1\r\n\r\n"+
			"SETUP "+target+"/trackID=0 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n"+
			"PLAY "+target+" RTSP/1.0\r\nCSeq: 3\r\n\r\n", rtspAnswer),
		dialRTMP(t, out.hostOf(t, "RTMP"), "play", stream, "NetStream.Play.").conn,
	}
}

// The end of a session has one line, of one level and in the same words, whatever protocol the viewer speaks: when there
// is no such stream, when somebody kicks him, and when the hook cannot decide.
func TestSessionsEndAlikeInTheLog(t *testing.T) {
	out := start(t, "-v", "-demo", "-c", write(t, "[general]\nmaxStreamWaitMS=10\n"))
	protocols := []string{"http", "ws", "rtsp", "rtmp"}
	await := func(n int) {
		t.Helper()
		require.Eventually(t, func() bool {
			for _, proto := range protocols {
				if len(out.said(proto)) < n {
					return false
				}
			}
			return true
		}, limit, 10*time.Millisecond, "%s", out)
	}
	viewers := playByAll(t, out, "absent", "RTSP/1.0 404")
	await(1)
	viewers = append(viewers, playByAll(t, out, "demo", "RTP-Info")...)
	require.Eventually(t, func() bool {
		out.api(t, "kick_sessions")
		return len(out.said("ws")) > 1
	}, limit, 10*time.Millisecond)
	out.api(t, "kick_sessions")
	await(2)
	require.NotZero(t, out.api(t, "setServerConfig?hook.enable=1&hook.retry=0&hook.on_play="+url.QueryEscape("http://127.0.0.1:1/"))["changed"])
	viewers = append(viewers, playByAll(t, out, "demo", "RTSP/1.0 503")...)
	await(3)
	for _, conn := range viewers {
		conn.Close()
	}
	// The call itself is the last that there is.
	require.Eventually(t, func() bool { return len(out.api(t, "getAllSession")["data"].([]any)) == 1 }, limit, 10*time.Millisecond, "%v", out.api(t, "getAllSession"))

	const where = " stream=__defaultVhost__/live/"
	for _, proto := range protocols {
		lines := out.said(proto)
		require.Len(t, lines, 3, "%s: %q", proto, lines)
		require.Equal(t, `level=INFO msg="session refused"`+where+`absent err="play: media: stream not found"`, lines[0], proto)
		require.Equal(t, `level=INFO msg="session kicked"`+where+`demo cause="media: kicked"`, lines[1], proto)
		require.Contains(t, lines[2], `level=WARN msg="session refused"`+where+`demo err="play: media: hook failed: play: `, proto)
		require.Contains(t, lines[2], "connection refused", proto)
	}
}
