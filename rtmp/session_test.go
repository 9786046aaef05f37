package rtmp_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
)

func TestPublishAndPlay(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	pub := dial(t, addr)
	pub.command("connect", 1.0, amf.Object{{Key: "app", Value: "live"}, {Key: "tcUrl", Value: "rtmp://h/live"}})
	pub.await("_result")
	pub.command("releaseStream", 2.0, nil, "test")
	pub.await("_result")
	pub.command("FCPublish", 3.0, nil, "test")
	pub.await("_result")
	pub.command("createStream", 4.0, nil)
	pub.await("_result")
	pub.publish("test?token=x")
	pub.send(chunk.Message{Type: chunk.TypeDataAMF0, StreamID: 1, Body: amf.Append(nil, "@setDataFrame", "onMetaData",
		amf.ECMAArray{{Key: "title", Value: "a film"}, {Key: "videocodecid", Value: 7.0}, {Key: "audiocodecid", Value: 10.0}})})
	pub.sendStream(15)
	st := waitStream(t, m, key("test"))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 15 }, patience, time.Millisecond)
	require.Equal(t, "token=x", st.Source("rtmp").Params)
	require.Equal(t, "rtmp://__defaultVhost__/live/test?token=x", st.Source("rtmp").OriginURL)

	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("getStreamLength", 3.0, nil, "test")
	c.await("_result")
	c.command("play", 4.0, nil, "test", -2000.0)
	for _, want := range []string{"NetStream.Play.Reset", "NetStream.Play.Start"} {
		require.Equal(t, want, c.status())
	}
	next := func() chunk.Message {
		for {
			m, err := c.r.Next()
			require.NoError(t, err)
			if m.Type == chunk.TypeVideo || m.Type == chunk.TypeAudio || m.Type == chunk.TypeDataAMF0 {
				return m
			}
		}
	}
	values, err := amf.Unmarshal0(next().Body) // there is no other data: ffmpeg would make a stream of it
	require.NoError(t, err)
	require.Equal(t, "onMetaData", values[0])
	require.Equal(t, "a film", amf.Members(values[1]).String("title"))
	require.Equal(t, videoConfig, next().Body)
	require.Equal(t, audioConfig, next().Body)
	for i := 10; i < 15; i++ {
		require.Equal(t, picture(i), next(), "the group of pictures comes at once")
	}

	// What the session replies goes between two messages.
	c.send(chunk.Message{Type: chunk.TypeUserControl, Body: []byte{0, 6, 0, 0, 0, 9}})
	c.command("pause", 5.0, nil, true, 0.0)
	require.Equal(t, "NetStream.Pause.Notify", c.status())
	for i := 15; i < 22; i++ {
		pub.send(picture(i))
	}
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 22 }, patience, time.Millisecond)
	c.command("pause", 6.0, nil, false, 0.0)
	require.Equal(t, picture(20), next(), "it goes on at a key frame")
	pub.command("deleteStream", 5.0, nil, 1.0)
	codes, _ := c.codes()
	require.Subset(t, codes, []string{"NetStream.Play.UnpublishNotify", "NetStream.Play.Stop"})
	require.Eventually(t, func() bool { _, ok := m.Stream(key("test")); return !ok }, patience, time.Millisecond)
}

func TestRefusalsComeBeforeAnyStart(t *testing.T) {
	_, addr := start(t, media.Config{Hooks: []hook.Hook{denying("bad token")}}, rtmp.Config{})
	for command, want := range map[string]string{"publish": "NetStream.Publish.BadAuth", "play": "NetStream.Play.BadAuth"} {
		c := dial(t, addr)
		c.connect("live", "rtmp://h/live")
		c.command(command, 3.0, nil, "test")
		info := amf.Members(c.await("onStatus")[3])
		require.Equal(t, want, info.String("code"))
		require.Equal(t, "error", info.String("level"))
		require.Contains(t, info.String("description"), "bad token")
		codes, _ := c.codes()
		require.Empty(t, codes)
	}
}

func TestOtherRefusals(t *testing.T) {
	m, addr := start(t, media.Config{PlayWait: -1}, rtmp.Config{})
	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(1)
	waitStream(t, m, key("test"))
	for _, c := range []struct{ command, name, want string }{
		{"publish", "test", "NetStream.Publish.BadName"},
		{"publish", "", "NetStream.Publish.BadName"},
		{"play", "other", "NetStream.Play.StreamNotFound"},
	} {
		cl := dial(t, addr)
		cl.connect("live", "rtmp://h/live")
		cl.command(c.command, 3.0, nil, c.name)
		require.Equal(t, c.want, cl.status())
		codes, _ := cl.codes()
		require.Empty(t, codes)
	}
}

func TestDropLeavesTheStreamToItsSuccessor(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(11)
	st := waitStream(t, m, key("test"))
	pub.command("FCUnpublish", 9.0, nil, "test")
	pub.conn.Close()
	next := func() *client {
		c := dial(t, addr)
		c.connect("live", "rtmp://h/live")
		c.command("publish", 3.0, nil, "test", "live")
		return c
	}
	var again *client
	require.Eventually(t, func() bool { // until the server has seen the drop
		again = next()
		return again.status() == "NetStream.Publish.Start"
	}, patience, 10*time.Millisecond)
	again.sendStream(3)
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 14 }, patience, time.Millisecond)
	require.Equal(t, st, waitStream(t, m, key("test")))
}

func TestViewerWaitsAndMayLeave(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	waiting, leaving := dial(t, addr), dial(t, addr)
	for _, c := range []*client{waiting, leaving} {
		c.connect("live", "rtmp://h/live")
		c.command("play", 3.0, nil, "late")
	}
	leaving.conn.Close()
	require.Eventually(t, func() bool { return len(sessions(m)) == 1 }, patience, time.Millisecond, "who leaves is not waited for")
	pub := dial(t, addr)
	pub.connect("live/late", "rtmp://h/live/late") // the name may stand in the app
	pub.publish("")
	pub.sendStream(1)
	require.Equal(t, "NetStream.Play.Reset", waiting.status())
}

func sessions(m *media.Server) (list []*media.Session) {
	for x := range m.Sessions() {
		list = append(list, x)
	}
	return list
}

func TestAggregatesAndAMF3(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.send(chunk.Message{Type: chunk.TypeCommandAMF3, Body: append([]byte{0}, amf.Append(nil, "connect", 1.0,
		amf.Object{{Key: "app", Value: "live"}})...)})
	c.await("_result")
	c.send(chunk.Message{Type: chunk.TypeCommandAMF3, StreamID: 1, Body: append([]byte{0}, amf.Append(nil, "publish", 3.0, nil, "agg")...)})
	require.Equal(t, "NetStream.Publish.Start", c.status())
	var body []byte
	for _, part := range []chunk.Message{{Type: 9, Body: videoConfig}, {Type: 8, Body: audioConfig}, picture(0), picture(1)} {
		n := len(part.Body)
		body = append(body, part.Type, 0, 0, byte(n), 0, 0, byte(part.Timestamp), 0, 0, 0, 0)
		body = append(append(body, part.Body...), 0, 0, 0, byte(n+11))
	}
	c.send(chunk.Message{Type: chunk.TypeAggregate, StreamID: 1, Body: body})
	st := waitStream(t, m, key("agg"))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 2 }, patience, time.Millisecond)
}

func TestHostileSessionsEndAlone(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	m, addr := start(t, media.Config{Logger: logTo(&log, &mu)}, rtmp.Config{HandshakeTimeout: 300 * time.Millisecond})
	good := dial(t, addr)
	good.connect("live", "rtmp://h/live")
	good.publish("good")
	good.sendStream(1)
	st := waitStream(t, m, key("good"))

	raw := func(b []byte) {
		conn, err := net.Dial("tcp", addr)
		require.NoError(t, err)
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = conn.Write(b)
		_, _ = io.Copy(io.Discard, conn) // until the server closes
	}
	hello := append([]byte{3}, make([]byte, 2*1536)...)
	for name, b := range map[string][]byte{
		"silence":          nil,
		"HTTP":             []byte("GET / HTTP/1.1\r\n\r\n"),
		"RTMPE":            {6},
		"half a handshake": hello[:700],
		"silence after it": hello,
		"garbage chunks":   append(bytes.Clone(hello), bytes.Repeat([]byte{0xc5, 0xff, 0x13}, 2000)...),
		"oversized": append(bytes.Clone(hello),
			append([]byte{4, 0, 0, 0, 0xff, 0xff, 0xff, 9, 1, 0, 0, 0}, bytes.Repeat([]byte{'x'}, 5000)...)...),
		"nameless command": append(bytes.Clone(hello), chunk.AppendMessage(nil, 3, chunk.Message{Type: 20, Body: []byte{5}}, 128)...),
		"deep command": append(bytes.Clone(hello), chunk.AppendMessage(nil, 3, chunk.Message{
			Type: 20, Body: bytes.Repeat([]byte{10, 0, 0, 0, 1}, 1000),
		}, 128)...),
	} {
		t.Run(name, func(*testing.T) { raw(b) })
	}
	good.send(picture(1))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 2 }, patience, time.Millisecond)
	require.Eventually(t, func() bool { return len(sessions(m)) == 1 }, patience, time.Millisecond)
	mu.Lock()
	defer mu.Unlock()
	require.Contains(t, log.String(), "session failed")
	require.Contains(t, log.String(), "session timed out")
	require.NotContains(t, log.String(), "panic")
}

func TestBrokenMediaIsLeftOut(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	c.sendStream(1)
	for _, body := range [][]byte{{0x17, 1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff}, {0x99}, {0x12, 1, 2, 3, 4, 5}} {
		c.send(chunk.Message{Type: chunk.TypeVideo, StreamID: 1, Body: body})
	}
	c.send(chunk.Message{Type: chunk.TypeAudio, StreamID: 1, Body: []byte{0x50}})
	c.send(chunk.Message{Type: chunk.TypeDataAMF3, StreamID: 1, Body: []byte{0, 2, 0, 99}})
	c.send(picture(1))
	st := waitStream(t, m, key("test"))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 2 }, patience, time.Millisecond)
}

func TestSilentPublisherIsCut(t *testing.T) {
	m, addr := start(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}},
		rtmp.Config{IdleTimeout: 200 * time.Millisecond})
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.publish("test")
	c.sendStream(1)
	waitStream(t, m, key("test"))
	c.codes()
	require.Eventually(t, func() bool { _, ok := m.Stream(key("test")); return !ok }, patience, time.Millisecond)
}

func TestKickedSessions(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(1)
	waitStream(t, m, key("test"))
	for x := range m.Sessions() {
		require.Equal(t, "rtmp", x.Info().Protocol)
		x.Kick(media.ErrKicked)
	}
	pub.codes()
	require.Eventually(t, func() bool { _, ok := m.Stream(key("test")); return !ok && len(sessions(m)) == 0 }, patience, time.Millisecond)
}

func TestTLS(t *testing.T) {
	cert := selfSigned(t)
	m, addr := start(t, media.Config{}, rtmp.Config{TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}})
	secure := func() *client {
		conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // it is self-signed
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
		_, err = conn.Write(append([]byte{3}, make([]byte, 1536)...))
		require.NoError(t, err)
		_, err = io.ReadFull(conn, make([]byte, 1+2*1536))
		require.NoError(t, err)
		_, err = conn.Write(make([]byte, 1536))
		require.NoError(t, err)
		c := &client{t: t, conn: conn, r: chunk.NewReader(conn, nil)}
		c.connect("live", "rtmps://h/live")
		return c
	}
	pub := secure()
	pub.publish("test")
	pub.sendStream(5)
	waitStream(t, m, key("test"))
	c := secure()
	c.command("play", 4.0, nil, "test")
	require.Equal(t, "NetStream.Play.Reset", c.status())
	pub.command("deleteStream", 5.0, nil, 1.0)
	_, got := c.codes()
	require.Equal(t, 2+5, got)
}

func selfSigned(t *testing.T) tls.Certificate {
	t.Helper()
	priv, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &priv.PublicKey, priv)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: priv}
}

func TestShutdownLetsPlayersHaveTheRest(t *testing.T) {
	m, addr := start(t, media.Config{}, rtmp.Config{})
	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(5)
	st := waitStream(t, m, key("test"))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == 5 }, patience, time.Millisecond)
	c := dial(t, addr)
	c.connect("live", "rtmp://h/live")
	c.command("play", 4.0, nil, "test")
	require.Equal(t, "NetStream.Play.Reset", c.status())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, m.Shutdown(ctx))
	codes, got := c.codes()
	require.Contains(t, codes, "NetStream.Play.UnpublishNotify")
	require.Equal(t, 2+5, got)
	_, err := net.Dial("tcp", addr)
	require.Error(t, err)
}

// Sessions that come and go leave nothing behind. The 2,000 are the long form; see -short.
func TestSessionsLeaveNothingBehind(t *testing.T) {
	rounds := 1000
	if testing.Short() {
		rounds = 50
	}
	m, addr := start(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}, rtmp.Config{})
	session := func(i int) {
		name := string(rune('a' + i%8))
		pub := dial(t, addr)
		pub.connect("live", "rtmp://h/live")
		pub.command("publish", 3.0, nil, name, "live")
		if pub.status() == "NetStream.Publish.Start" {
			pub.sendStream(3)
			c := dial(t, addr)
			c.connect("live", "rtmp://h/live")
			c.command("play", 4.0, nil, name)
			c.status()
			c.conn.Close()
		}
		pub.conn.Close()
	}
	run := func(n int) {
		for i := range n {
			session(i)
		}
		require.Eventually(t, func() bool { return len(sessions(m)) == 0 }, patience, time.Millisecond)
	}
	run(50) // what is made once is there
	goroutines, files, heap := runtime.NumGoroutine(), openFiles(t), heapInUse()
	run(rounds)
	for end := time.Now().Add(patience); runtime.NumGoroutine() > goroutines && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	require.LessOrEqual(t, runtime.NumGoroutine(), goroutines)
	require.LessOrEqual(t, openFiles(t), files)
	require.Less(t, heapInUse(), heap+5<<20)
}

func openFiles(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0 // not Linux
	}
	return len(list)
}

func heapInUse() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

// Servers in one process share nothing.
func TestFiftyServersAtOnce(t *testing.T) {
	for range 50 {
		m, addr := start(t, media.Config{}, rtmp.Config{})
		pub := dial(t, addr)
		pub.connect("live", "rtmp://h/live")
		pub.publish("test")
		pub.sendStream(1)
		waitStream(t, m, key("test"))
		require.Len(t, sessions(m), 1)
	}
}
