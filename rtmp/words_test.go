package rtmp_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

// A refusal has one line in the log; who gives up was not refused; and a codec is called what people call it.
func TestWordsOfTheLog(t *testing.T) {
	for _, command := range []string{"publish", "play"} {
		var log testlog.Buffer
		m, addr := start(t, media.Config{Logger: log.Logger(), Hooks: []hook.Hook{denying("bad token")}}, rtmp.Config{})
		c := dial(t, addr)
		c.connect("live", "rtmp://h/live")
		c.command(command, 3.0, nil, "test")
		c.status()
		c.conn.Close()
		require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
		require.Equal(t, 1, strings.Count(log.String(), `msg="session refused"`))
		require.Equal(t, 1, strings.Count(log.String(), "bad token"))
		require.Contains(t, log.String(), `stream=__defaultVhost__/live/test err="`+command+`: [auth failed]`)
	}

	var second testlog.Buffer
	m, addr := start(t, media.Config{Logger: second.Logger()}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("play", 3.0, nil, "none")
	time.Sleep(50 * time.Millisecond)
	c.conn.Close()
	require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
	require.NotContains(t, second.String(), "refused")
	require.NotContains(t, second.String(), "level=INFO")
	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(1)
	waitStream(t, m, key("test"))
	require.Contains(t, second.String(), "H264+AAC")
}

// A publisher whose connection is reset has one line, that of its stream.
func TestDropHasOneLine(t *testing.T) {
	var log testlog.Buffer
	m, addr := start(t, media.Config{Logger: log.Logger()}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	c.sendStream(1)
	waitStream(t, m, key("test"))
	require.NoError(t, c.conn.(*net.TCPConn).SetLinger(0))
	c.conn.Close()
	require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
	require.Contains(t, log.String(), "publisher dropped")
	require.Contains(t, log.String(), "connection reset by peer")
	require.NotContains(t, log.String(), "session failed")
}

// Of a client that speaks something else, the log says what.
func TestWordsOfOtherProtocols(t *testing.T) {
	for hello, want := range map[string]string{"GET / HTTP/1.1\r\n\r\n": "is not RTMP", "\x06": "RTMPE is not supported"} {
		var log testlog.Buffer
		_, addr := start(t, media.Config{Logger: log.Logger()}, rtmp.Config{})
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		_, err = conn.Write([]byte(hello))
		require.NoError(t, err)
		require.Eventually(t, func() bool { return strings.Contains(log.String(), want) }, patience, time.Millisecond, want)
		conn.Close()
	}
}
