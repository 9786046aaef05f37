package web_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

var video = &media.Track{ID: 1, Codec: media.H264, Config: []byte{1, 0x42, 0, 10, 0xff, 0xe1, 0, 4, 0x67, 0x42, 0, 10, 1, 0, 4, 0x68, 0xee, 0x3c, 0x80}}

type server struct {
	*httptest.Server
	media *media.Server
	addr  string
}

// start serves a media server's streams until the test ends. wrap may put the handler into another.
func start(t testing.TB, mc media.Config, wc web.Config, wrap func(http.Handler, *httptest.Server) http.Handler) *server {
	t.Helper()
	m, err := media.New(mc)
	require.NoError(t, err)
	h, err := web.NewHandler(m, wc)
	require.NoError(t, err)
	s := httptest.NewUnstartedServer(h)
	if wrap != nil {
		s.Config.Handler = wrap(h, s)
	}
	if s.TLS == nil {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(func() {
		require.NoError(t, m.Close())
		s.CloseClientConnections()
		s.Close()
	})
	return &server{Server: s, media: m, addr: s.Listener.Addr().String()}
}

func packet(i int) *media.Packet {
	at := time.Duration(i) * 40 * time.Millisecond
	p := &media.Packet{Track: video, DTS: at, PTS: at, Key: i%10 == 0, Data: []byte{0, 0, 0, 3, 0x41, byte(i), 9}}
	if p.Key {
		p.Data[4] = 0x65
	}
	return p
}

func (s *server) publish(t testing.TB, app, name string, n int) *media.Publisher {
	t.Helper()
	p, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: app, Name: name}})
	require.NoError(t, err)
	require.NoError(t, p.SetTracks(video))
	for i := range n {
		require.NoError(t, p.WritePacket(packet(i)))
	}
	return p
}

// send sends a request as it stands, and returns the connection.
func (s *server) send(t testing.TB, request string) (net.Conn, *bufio.Reader) {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err = io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n"))
	require.NoError(t, err)
	return conn, bufio.NewReader(conn)
}

func get(path, headers string) string { return "GET " + path + " HTTP/1.1\nHost: h\n" + headers + "\n" }

// requireFLV reads pictures from..to of an FLV stream.
func requireFLV(t testing.TB, r *flv.Reader, from, to int) {
	t.Helper()
	for i := from; i < to; {
		typ, stamp, body, err := r.Next()
		require.NoError(t, err)
		if typ != flv.TagVideo || body[1] == 0 {
			continue
		}
		require.Equal(t, time.Duration(i)*40*time.Millisecond, stamp)
		require.Equal(t, packet(i).Data, body[5:])
		i++
	}
}

func TestReply(t *testing.T) {
	s := start(t, media.Config{}, web.Config{AllowOrigins: []string{"http://page"}}, nil)
	for _, c := range []struct{ app, name, path string }{
		{"live", "test", "/live/test.live.flv?token=1"},
		{"live", "Upper", "/live/Upper.LIVE.Flv"},
		{"live", "a/b", "/live/a/b.live.flv"},
		{"live", "plain.live.flv", "/live/plain.live.flv?schema=rtmp"},
	} {
		t.Run(c.path, func(t *testing.T) {
			pub := s.publish(t, c.app, c.name, 15)
			_, r := s.send(t, get(c.path, "Origin: http://page\n"))
			reply, err := http.ReadResponse(r, nil)
			require.NoError(t, err)
			defer reply.Body.Close()
			require.Equal(t, 200, reply.StatusCode)
			require.Equal(t, "video/x-flv; charset=utf-8", reply.Header.Get("Content-Type"))
			require.Equal(t, "no-store", reply.Header.Get("Cache-Control"))
			require.Equal(t, "keep-alive", reply.Header.Get("Connection"))
			require.Equal(t, "http://page", reply.Header.Get("Access-Control-Allow-Origin"))
			require.Equal(t, "true", reply.Header.Get("Access-Control-Allow-Credentials"))
			require.NotEmpty(t, reply.Header.Get("Date"))
			require.EqualValues(t, -1, reply.ContentLength)
			require.Empty(t, reply.TransferEncoding)
			body := flv.NewReader(reply.Body)
			requireFLV(t, body, 10, 15)
			require.NoError(t, pub.WritePacket(packet(15)))
			requireFLV(t, body, 15, 16)
			pub.Close(nil)
			_, _, _, err = body.Next()
			require.Equal(t, io.EOF, err)
		})
	}
}

// FLV has room for one track of pictures: those of a second do not get between those of the first.
func TestFLVOfTwoCameras(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	p, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "test"}})
	require.NoError(t, err)
	other := *video
	other.ID++
	require.NoError(t, p.SetTracks(video, &other))
	for i := range 15 {
		pkt := packet(i)
		require.NoError(t, p.WritePacket(pkt))
		second := *pkt
		second.Track = &other
		require.NoError(t, p.WritePacket(&second))
	}
	_, r := s.send(t, get("/live/test.live.flv", ""))
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	defer reply.Body.Close()
	requireFLV(t, flv.NewReader(reply.Body), 10, 15)
}

func TestOtherRequests(t *testing.T) {
	s := start(t, media.Config{PlayWait: -1, Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
			if ev.Session.Params == "deny" {
				return hook.Deny(7, "bad token")
			}
			return nil
		},
	}}}, web.Config{AllowOrigins: []string{"*"}}, nil)
	s.publish(t, "live", "test", 1)
	for _, c := range []struct {
		method, path string
		status       int
		body         string
		header       map[string]string
	}{
		{"GET", "/live/other.live.flv", 404, "Not found", map[string]string{"Content-Type": "text/html; charset=utf-8"}},
		{"GET", "/live/test.flv", 404, "Not found", nil},
		{"GET", "/test.live.flv", 404, "", nil},
		{"GET", "/live/.live.flv", 404, "", nil},
		{"GET", "/live/test?schema=srt", 404, "", nil},
		{"GET", "/", 404, "", nil},
		{"GET", "/live/%3Cimg%3E.live.flv", 404, "&lt;img&gt;", nil},
		{"GET", "/live/test.live.flv?deny", 401, "[auth failed]: code:7 msg:\"bad token\"", map[string]string{"Content-Type": "text/plain; charset=utf-8"}},
		{"GET", "/live/test.live.flv?" + strings.Repeat("x", 8<<10+1), 414, "too long", nil},
		{"HEAD", "/live/test.live.flv", 200, "", map[string]string{"Content-Type": "video/x-flv; charset=utf-8"}},
		{"OPTIONS", "/live/test.live.flv", 200, "", map[string]string{"Access-Control-Allow-Origin": "*", "Allow": "GET, POST, PUT, HEAD, OPTIONS, DELETE"}},
		{"PATCH", "/live/test.live.flv", 405, "", nil},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, nil)
			require.NoError(t, err)
			reply, err := s.Client().Do(r)
			require.NoError(t, err)
			defer reply.Body.Close()
			body, err := io.ReadAll(reply.Body)
			require.NoError(t, err)
			require.Equal(t, c.status, reply.StatusCode)
			require.Contains(t, string(body), c.body)
			for k, v := range c.header {
				require.Equal(t, v, reply.Header.Get(k))
			}
		})
	}
}

func TestVirtualHosts(t *testing.T) {
	s := start(t, media.Config{PlayWait: -1}, web.Config{EnableVHost: true, ForwardedIPHeader: "X-Real-IP", TrustedProxy: netip.Addr.IsLoopback}, nil)
	_, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{VHost: "v", App: "live", Name: "test"}})
	require.NoError(t, err)
	p, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{VHost: "w", App: "live", Name: "test"}})
	require.NoError(t, err)
	require.NoError(t, p.SetTracks(video))
	for request, status := range map[string]int{
		"GET /live/test.live.flv HTTP/1.1\nHost: w:80\nOrigin: x\n\n":                200,
		"GET /live/test.live.flv?vhost=w HTTP/1.1\nHost: 127.0.0.1\n\n":              200,
		"GET /live/test.live.flv HTTP/1.1\nHost: 127.0.0.1:80\n\n":                   404,
		"GET /live/test.live.flv HTTP/1.1\nHost: [::1]:80\n\n":                       404,
		"GET /live/test.live.flv?vhost=x HTTP/1.1\nHost: w\nX-Real-IP: bad\n\n":      404,
		"GET /live/test.live.flv HTTP/1.1\nHost: w\nX-Real-IP: 1.2.3.4, 9.8.7.6\n\n": 200,
	} {
		_, r := s.send(t, request)
		reply, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		reply.Body.Close()
		require.Equal(t, status, reply.StatusCode, request)
		require.Empty(t, reply.Header.Get("Access-Control-Allow-Origin"))
	}
	var seen []string
	for x := range s.media.Sessions() {
		seen = append(seen, x.Info().Remote.Addr().String())
	}
	require.Contains(t, seen, "9.8.7.6")
}

func upgrade(path string) string {
	return get(path, "Upgrade: websocket\nConnection: keep-alive, Upgrade\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\nSec-WebSocket-Version: 13\nSec-WebSocket-Protocol: flv, other\n")
}

// socket is a WebSocket client.
type socket struct {
	t    testing.TB
	conn net.Conn
	r    *bufio.Reader
}

func (s *server) dial(t testing.TB, path string) *socket {
	t.Helper()
	conn, r := s.send(t, upgrade(path))
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	reply.Body.Close()
	require.Equal(t, 101, reply.StatusCode)
	require.Equal(t, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", reply.Header.Get("Sec-WebSocket-Accept"))
	require.Equal(t, "flv", reply.Header.Get("Sec-WebSocket-Protocol"))
	return &socket{t, conn, r}
}

func (s *socket) next() ws.Frame {
	s.t.Helper()
	head, err := ws.ReadHeader(s.r)
	require.NoError(s.t, err)
	require.False(s.t, head.Masked)
	require.True(s.t, head.Fin)
	require.Less(s.t, head.Length, int64(1<<20))
	payload := make([]byte, head.Length)
	_, err = io.ReadFull(s.r, payload)
	require.NoError(s.t, err)
	return ws.Frame{Header: head, Payload: payload}
}

func (s *socket) send(f ws.Frame) {
	s.t.Helper()
	require.NoError(s.t, ws.WriteFrame(s.conn, ws.MaskFrame(f)))
}

// closed reads up to the close frame and returns its code.
func (s *socket) closed() int {
	s.t.Helper()
	for {
		if f := s.next(); f.Header.OpCode == ws.OpClose {
			code, _ := ws.ParseCloseFrameDataUnsafe(f.Payload)
			return int(code)
		}
	}
}

func TestWebSocket(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	pub := s.publish(t, "live", "test", 15)
	c := s.dial(t, "/live/test.live.flv")
	first := c.next()
	require.Equal(t, "FLV", string(first.Payload[:3]))
	all := first.Payload
	for range 5 {
		f := c.next()
		require.Equal(t, ws.OpBinary, f.Header.OpCode)
		all = append(all, f.Payload...)
	}
	requireFLV(t, flv.NewReader(bytes.NewReader(all)), 10, 15)
	c.send(ws.NewBinaryFrame(make([]byte, 3000)))
	c.send(ws.NewPingFrame([]byte("hello")))
	require.Equal(t, "hello", string(c.next().Payload))
	require.NoError(t, pub.WritePacket(packet(15)))
	require.Equal(t, ws.OpBinary, c.next().Header.OpCode)
	pub.Close(nil)
	require.Equal(t, 1000, c.closed())
	c.conn.Close()

	s.publish(t, "live", "again", 1)
	c = s.dial(t, "/live/again.live.flv")
	c.next()
	c.send(ws.NewCloseFrame(ws.NewCloseFrameBody(1000, "")))
	require.Equal(t, 1000, c.closed())
	_, err := c.r.ReadByte()
	require.Equal(t, io.EOF, err)
}

func TestWebSocketRefusals(t *testing.T) {
	s := start(t, media.Config{PlayWait: -1, Hooks: []hook.Hook{hook.Funcs{
		OnPlay: func(_ context.Context, ev *hook.PlayEvent) error {
			if ev.Session.Params == "deny" {
				return hook.Deny(7, strings.Repeat("x", 500))
			}
			return nil
		},
	}}}, web.Config{}, nil)
	require.Equal(t, 404, s.dial(t, "/live/none.live.flv").closed())
	require.Equal(t, 401, s.dial(t, "/live/none.live.flv?deny").closed())
	_, r := s.send(t, get("/live/x.live.flv", "Upgrade: websocket\nConnection: Upgrade\n"))
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	reply.Body.Close()
	require.NotEqual(t, 101, reply.StatusCode)
}

func TestWebSocketGarbage(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	s.publish(t, "live", "test", 1)
	for name, c := range map[string]struct {
		bytes []byte
		code  int
	}{
		"unmasked":        {[]byte{0x82, 1, 0}, 1002},
		"reserved":        {[]byte{0x83, 0x80, 0, 0, 0, 0}, 1002},
		"long ping":       {[]byte{0x89, 0xfe, 1, 0, 0, 0, 0, 0}, 1002},
		"oversized":       {[]byte{0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0}, 1009},
		"fragmented pong": {[]byte{0x0a, 0x80, 0, 0, 0, 0}, 1002},
	} {
		t.Run(name, func(t *testing.T) {
			k := s.dial(t, "/live/test.live.flv")
			k.next()
			_, err := k.conn.Write(c.bytes)
			require.NoError(t, err)
			require.Equal(t, c.code, k.closed())
		})
	}
}

func TestViewersWaitAndMayLeave(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	count := func(n int) func() bool {
		return func() bool {
			got := 0
			for range s.media.Sessions() {
				got++
			}
			return got == n
		}
	}
	conn, r := s.send(t, get("/live/late.live.flv", ""))
	gone, _ := s.send(t, get("/live/late.live.flv", ""))
	k := s.dial(t, "/live/late.live.flv")
	goneToo := s.dial(t, "/live/late.live.flv")
	require.Eventually(t, count(4), patience, time.Millisecond)
	gone.Close()
	goneToo.conn.Close()
	require.Eventually(t, count(2), patience, time.Millisecond, "who leaves is not waited for")
	s.publish(t, "live", "late", 1)
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	reply.Body.Close()
	require.Equal(t, 200, reply.StatusCode)
	require.Equal(t, "FLV", string(k.next().Payload[:3]))
	conn.Close()
}

func TestBehindOtherServers(t *testing.T) {
	for name, wrap := range map[string]func(http.Handler, *httptest.Server) http.Handler{
		"prefix": func(h http.Handler, _ *httptest.Server) http.Handler { return http.StripPrefix("/media", h) },
		"TLS": func(h http.Handler, s *httptest.Server) http.Handler {
			s.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
			return http.StripPrefix("/media", h)
		},
		"HTTP/2": func(h http.Handler, s *httptest.Server) http.Handler {
			s.TLS, s.EnableHTTP2 = &tls.Config{MinVersion: tls.VersionTLS12}, true
			return http.StripPrefix("/media", h)
		},
		"a plain writer": func(h http.Handler, _ *httptest.Server) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				http.StripPrefix("/media", h).ServeHTTP(struct {
					http.ResponseWriter
					http.Flusher
				}{w, w.(http.Flusher)}, r)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, media.Config{}, web.Config{}, wrap)
			pub := s.publish(t, "live", "test", 3)
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"/media/live/test.live.flv", nil)
			require.NoError(t, err)
			reply, err := s.Client().Do(r)
			require.NoError(t, err)
			defer reply.Body.Close()
			require.Equal(t, 200, reply.StatusCode)
			if name == "HTTP/2" {
				require.Equal(t, 2, reply.ProtoMajor)
			}
			body := flv.NewReader(reply.Body)
			requireFLV(t, body, 0, 3)
			require.NoError(t, pub.WritePacket(packet(3)))
			requireFLV(t, body, 3, 4)
			for x := range s.media.Sessions() {
				if p := x.Info().Protocol; p != "" {
					require.Equal(t, map[bool]string{true: "https", false: "http"}[s.TLS != nil], p)
				}
			}
			pub.Close(nil)
			_, _, _, err = body.Next()
			require.Equal(t, io.EOF, err)
		})
	}
}

func TestKickAndShutdown(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	s.publish(t, "live", "test", 1)
	_, r := s.send(t, get("/live/test.live.flv", ""))
	_, err := r.Peek(1) // it plays
	require.NoError(t, err)
	k := s.dial(t, "/live/test.live.flv")
	k.next()
	for x := range s.media.Sessions() {
		if x.Info().Protocol == "ws" {
			x.Kick(media.ErrKicked)
		}
	}
	_, err = io.Copy(io.Discard, k.r)
	_ = err // the connection ends with or without an error
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, s.media.Shutdown(ctx))
	all, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Contains(t, string(all), "FLV\x01")
	_, r = s.send(t, get("/live/test.live.flv", ""))
	reply, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	reply.Body.Close()
	require.Equal(t, 503, reply.StatusCode)
}

func FuzzUpgrade(f *testing.F) {
	s := start(f, media.Config{PlayWait: -1}, web.Config{}, nil)
	f.Add([]byte(strings.ReplaceAll(upgrade("/live/x.live.flv"), "\n", "\r\n") + "\x89\x80\x00\x00\x00\x00"))
	f.Add([]byte("GET /a/b.live.flv HTTP/1.1\r\nHost: x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		conn, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Skip(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		_, _ = conn.Write(b)
		_ = conn.(*net.TCPConn).CloseWrite()
		_, err = io.Copy(io.Discard, conn)
		if ne, ok := err.(net.Error); ok && ne.Timeout() { //nolint:errorlint // it is not wrapped
			t.Fatal("the server does not end the connection")
		}
	})
}

func Example() {
	m, err := media.New(media.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	streams, err := web.NewHandler(m, web.Config{NotFound: http.NotFoundHandler()})
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux() // the service's own
	mux.Handle("/media/", http.StripPrefix("/media", streams))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/media/no/stream.flv", nil))
	fmt.Println(w.Code)
	// Output: 404
}
