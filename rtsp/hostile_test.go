package rtsp_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// What is no RTSP ends its own session with a line in the log, and nothing else.
func TestHostileBytes(t *testing.T) {
	var log testlog.Buffer
	m, err := media.New(media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil)), PlayWait: -1})
	require.NoError(t, err)
	s, err := rtsp.NewServer(m, rtsp.Config{HandshakeTimeout: 300 * time.Millisecond})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	defer func() {
		require.NoError(t, m.Close())
		<-served
	}()
	publishClip(t, m)
	addr := ln.Addr().String()
	for name, b := range map[string]string{
		"garbage":        strings.Repeat("\xfe\x01", 100<<10),
		"big body":       "ANNOUNCE rtsp://h/a/b RTSP/1.0\r\nContent-Length: 100000000\r\n\r\n",
		"endless line":   "DESCRIBE " + strings.Repeat("a", 1<<20),
		"no line":        "DESCRIBE\r\n\r\n",
		"silence":        "",
		"half a line":    "OPTIONS * RT",
		"cut frame":      "$\x00\xff\xff",
		"HTTP":           "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"lonely POST":    "POST / HTTP/1.1\r\nx-sessioncookie: a\r\n\r\n",
		"lonely GET":     "GET / HTTP/1.1\r\nx-sessioncookie: b\r\n\r\n",
		"TLS":            "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
		"SDP of nothing": "ANNOUNCE rtsp://h/a/b RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 3\r\n\r\nv=0",
	} {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		_, _ = conn.Write([]byte(b)) // it may be cut off within
		for err == nil {
			_, err = conn.Read(make([]byte, 4096))
		}
		ne, timeout := err.(net.Error) //nolint:errorlint // it is not wrapped
		require.False(t, timeout && ne.Timeout(), "%s: the session goes on", name)
		conn.Close()
	}
	require.Eventually(t, func() bool {
		n := 0
		for range m.Sessions() {
			n++
		}
		return n == 1 // the publisher
	}, patience, 10*time.Millisecond, "%s", log.String())
	for _, end := range []string{"failed", "refused", "timed out"} { // a line a second of each at most
		require.Contains(t, log.String(), `msg="session `+end+`"`)
	}
	require.NotContains(t, log.String(), "panic")
	res := request(t, dial(t, addr), "DESCRIBE rtsp://h/live/test RTSP/1.0\nCSeq: 1")
	require.Contains(t, status(res), "200")
}

// A publisher whose every byte of media is random breaks nothing.
func TestHostilePublisher(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, m)
	const sdp = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:0\r\nm=audio 0 RTP/AVP 97\r\n" +
		"a=rtpmap:97 MPEG4-GENERIC/44100/2\r\na=fmtp:97 mode=AAC-hbr;config=1210;sizelength=13;indexlength=3;indexdeltalength=3\r\na=control:1\r\n"
	conn := dial(t, addr)
	res := request(t, conn, fmt.Sprintf("ANNOUNCE rtsp://h/live/bad RTSP/1.0\nCSeq: 1\nContent-Length: %d\n\n%s", len(sdp), strings.TrimSuffix(strings.ReplaceAll(sdp, "\r\n", "\n"), "\n"))+"")
	require.Contains(t, status(res), "200")
	for i := range 2 {
		res = request(t, conn, fmt.Sprintf("SETUP rtsp://h/live/bad/%d RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP/TCP;unicast;mode=record;interleaved=%d-%d", i, 2*i, 2*i+1))
		require.Contains(t, status(res), "200")
	}
	require.Contains(t, status(request(t, conn, "RECORD rtsp://h/live/bad RTSP/1.0\nCSeq: 4")), "200")
	rnd := rand.New(rand.NewPCG(1, 2))
	for i := range 5000 {
		b := make([]byte, 12+rnd.IntN(200))
		for j := range b {
			b[j] = byte(rnd.Uint32())
		}
		channel := byte(i % 4)
		if i%3 != 0 && channel%2 == 0 { // a header that is right
			b[0], b[1], b[2], b[3] = 0x80, 96+channel/2, byte(i>>8), byte(i)
		}
		_, err := conn.Write(append([]byte{'$', channel, byte(len(b) >> 8), byte(len(b))}, b...))
		require.NoError(t, err)
	}
	require.Contains(t, request(t, conn, "OPTIONS * RTSP/1.0\nCSeq: 9"), "Public")
}

// A thousand connections that say nothing hurt nobody, and go.
func TestIdleConnections(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{HandshakeTimeout: 2 * time.Second})
	publishClip(t, m)
	before := runtime.NumGoroutine()
	var idle []net.Conn
	for range 1000 {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		idle = append(idle, conn)
	}
	res := request(t, dial(t, addr), "DESCRIBE rtsp://h/live/test RTSP/1.0\nCSeq: 1")
	require.Contains(t, status(res), "200")
	for _, conn := range idle {
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		_, err := conn.Read(make([]byte, 1))
		require.Error(t, err)
		conn.Close()
	}
	require.Eventually(t, func() bool { return runtime.NumGoroutine() <= before+3 }, patience, 10*time.Millisecond)
}

// A UDP player that is not heard of any more goes, and one that sends reports stays.
func TestSilentUDPPlayer(t *testing.T) {
	t.Parallel()
	m, addr := start(t, media.Config{}, rtsp.Config{SessionTimeout: 2 * time.Second})
	publishClip(t, m)
	conn := dial(t, addr)
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer udp.Close()
	port := udp.LocalAddr().(*net.UDPAddr).Port
	res := request(t, conn, fmt.Sprintf("SETUP rtsp://h/live/test/trackID=1 RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP;unicast;client_port=%d-%d", port, port+1))
	require.Contains(t, status(res), "200")
	var rtp, rtcp int
	_, err = fmt.Sscanf(header(res, "Transport")[strings.Index(header(res, "Transport"), "server_port="):], "server_port=%d-%d", &rtp, &rtcp)
	require.NoError(t, err)
	require.Contains(t, request(t, conn, "PLAY rtsp://h/live/test RTSP/1.0\nCSeq: 2"), "200 OK")
	for range 10 { // reports for longer than the timeout
		_, err = udp.WriteToUDP([]byte{0x80, 201, 0, 1, 1, 2, 3, 4}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: rtp})
		require.NoError(t, err)
		time.Sleep(300 * time.Millisecond)
	}
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = conn.Read(make([]byte, 1))
	ne, ok := err.(net.Error) //nolint:errorlint // it is not wrapped
	require.True(t, ok && ne.Timeout(), "it was ended: %v", err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, 1))
	require.Error(t, err)
	st, _ := m.Stream(testKey)
	require.Eventually(t, func() bool { here, _ := st.Readers("rtsp"); return here == 0 }, patience, 10*time.Millisecond)
}
