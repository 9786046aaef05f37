package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

const secret = "canary-7d1f0c"

// newAPI is a handler for a server of its own, which has a stream live/test.
func newAPI(t *testing.T, o api.Options) (*api.Handler, *media.Server) {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	require.NoError(t, m.Register(nothing{}, "rtmp", "rtsp"))
	o.Secret = secret
	h, err := api.NewHandler(m, o)
	require.NoError(t, err)
	publish(t, m, "test")
	return h, m
}

// nothing is a protocol server without anything.
type nothing struct{}

func (nothing) Shutdown(context.Context) error { return nil }
func (nothing) Close() error                   { return nil }

func publish(t *testing.T, m *media.Server, name string) *media.Publisher {
	t.Helper()
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: name}, Schema: "rtmp"})
	require.NoError(t, err)
	require.NoError(t, pub.SetTracks(&media.Track{Codec: media.AAC, SampleRate: 44100, Channels: 1}))
	return pub
}

// object is a reply.
type object = map[string]any

// call returns the reply to a request from far away.
func call(t *testing.T, h http.Handler, r *http.Request) object {
	t.Helper()
	return callInto(t, h, httptest.NewRecorder(), r)
}

func callInto(t *testing.T, h http.Handler, w *httptest.ResponseRecorder, r *http.Request) object {
	t.Helper()
	h.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, "%s", w.Body)
	var out object
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), "%s", w.Body)
	return out
}

func get(t *testing.T, h http.Handler, query string) object {
	t.Helper()
	name, args, _ := strings.Cut(query, "?")
	return call(t, h, httptest.NewRequest(http.MethodGet, "/index/api/"+name+"?secret="+secret+"&"+args, nil))
}

func TestSecret(t *testing.T) {
	request := func(peer, host, query string, headers ...string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "http://"+host+"/index/api/version?"+query, nil)
		r.RemoteAddr = peer
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		return r
	}
	post := func(kind, body string) *http.Request {
		r := httptest.NewRequest(http.MethodPost, "/index/api/version", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		return r
	}
	const far, near, name, local = "192.0.2.1:5", "127.0.0.1:5", "a.example", "127.0.0.1:8080"
	for what, c := range map[string]struct {
		r    *http.Request
		code float64
	}{
		"none":                              {request(far, name, ""), -100},
		"empty":                             {request(far, name, "secret="), -100},
		"wrong":                             {request(far, name, "secret=x"), -100},
		"right, and more":                   {request(far, name, "secret="+secret+"x"), -100},
		"query":                             {request(far, name, "secret="+secret), 0},
		"query in another case":             {request(far, name, "SECRET="+secret), 0},
		"header":                            {request(far, name, "", "secret", secret), 0},
		"JSON":                              {post("application/json", `{"secret":"`+secret+`"}`), 0},
		"form":                              {post("application/x-www-form-urlencoded", "secret="+secret), 0},
		"text":                              {post("text/plain", "secret="+secret), -100},
		"loopback":                          {request(near, local, ""), 0},
		"loopback of IPv6":                  {request("[::1]:5", "localhost:8080", ""), 0},
		"loopback by another name":          {request(near, name, ""), -100},
		"loopback through a proxy":          {request(near, local, "", "X-Forwarded-For", "127.0.0.1"), -100},
		"loopback, Forwarded":               {request(near, local, "", "Forwarded", "for=127.0.0.1"), -100},
		"loopback, X-Real-IP":               {request(near, local, "", "X-Real-IP", "127.0.0.1"), -100},
		"loopback, a page of its own":       {request(near, local, "", "Origin", "http://"+local), 0},
		"loopback, a page of another":       {request(near, local, "", "Origin", "http://evil.example"), -100},
		"loopback, no page":                 {request(near, local, "", "Origin", "null"), -100},
		"loopback, a picture of a page":     {request(near, local, "", "Sec-Fetch-Site", "cross-site"), -100},
		"loopback, a link of an old page":   {request(near, local, "", "Referer", "http://evil.example/x"), -100},
		"loopback, its page by TLS":         {request(near, local, "", "Origin", "https://"+local), -100},
		"loopback, a mark of a proxy":       {request(near, local, "", "Via", "1.1 x"), -100},
		"loopback, a mark of a CDN":         {request(near, local, "", "CF-Connecting-IP", "127.0.0.1"), -100},
		"loopback, a host of a proxy":       {request(near, local, "", "X-Forwarded-Host", local), -100},
		"loopback, a wrong secret":          {request(near, local, "secret=wrong"), -100},
		"loopback, an empty secret":         {request(near, local, "secret="), -100},
		"loopback, a wrong secret in front": {request(near, local, "", "Secret", "wrong"), -100},
		"far, said to be loopback by proxy": {request(far, local, "", "X-Forwarded-For", "127.0.0.1"), -100},
	} {
		t.Run(what, func(t *testing.T) {
			h, _ := newAPI(t, api.Options{})
			require.Equal(t, c.code, call(t, h, c.r)["code"])
		})
	}
}

func TestLoopbackNeedsSecret(t *testing.T) {
	for what, o := range map[string]api.Options{
		"by option": {LoopbackNeedsSecret: true}, "by a trusted proxy": {ForwardedIPHeader: "X-Client"},
	} {
		t.Run(what, func(t *testing.T) {
			h, _ := newAPI(t, o)
			r := httptest.NewRequest(http.MethodGet, "http://127.0.0.1/index/api/version", nil)
			r.RemoteAddr = "127.0.0.1:5"
			require.Equal(t, -100.0, call(t, h, r)["code"])
		})
	}
}

// A handler without a secret lets nobody in.
func TestNoSecret(t *testing.T) {
	h, _ := newAPI(t, api.Options{})
	require.NoError(t, h.SetOptions(api.Options{}))
	for _, query := range []string{"", "?secret=", "?secret=" + secret} {
		require.Equal(t, -100.0, call(t, h, httptest.NewRequest(http.MethodGet, "/index/api/version"+query, nil))["code"])
	}
	require.NoError(t, h.SetOptions(api.Options{NoAuth: true}))
	require.Equal(t, 0.0, call(t, h, httptest.NewRequest(http.MethodGet, "/index/api/version", nil))["code"])
}

// Names of streams are anybody's: they must not become part of a page or of the JSON.
func TestHostileNames(t *testing.T) {
	h, m := newAPI(t, api.Options{})
	for _, name := range []string{`"><img src=x onerror=alert(1)>`, strings.Repeat("n", 4<<10), "a\x1b[2J\r\nb", "\xff\xfe"} {
		pub := publish(t, m, name)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index/api/getMediaList?schema=rtmp&secret="+secret, nil))
		require.NotContains(t, w.Body.String(), "<img")
		require.Equal(t, "application/json; charset=utf-8", w.Header().Get("Content-Type"))
		require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
		var out struct{ Data []struct{ Stream string } }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out))
		require.Len(t, out.Data, 2)
		pub.Close(nil)
	}
}

func TestBodies(t *testing.T) {
	h, _ := newAPI(t, api.Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	res, err := http.Post(server.URL+"/index/api/version", "application/json", strings.NewReader(strings.Repeat(" ", 1<<20)))
	require.NoError(t, err)
	defer res.Body.Close()
	require.Equal(t, http.StatusRequestEntityTooLarge, res.StatusCode)

	deep := strings.Repeat("[", 40000)
	r := httptest.NewRequest(http.MethodPost, "/index/api/version?secret="+secret, strings.NewReader(deep))
	r.Header.Set("Content-Type", "application/json")
	require.Equal(t, 0.0, call(t, h, r)["code"], "what is no object gives no arguments")
}

// A client that sends its body slowly is cut off, and keeps nobody else waiting.
func TestSlowBody(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 s")
	}
	t.Parallel()
	h, _ := newAPI(t, api.Options{})
	server := httptest.NewServer(h)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	fmt.Fprintf(conn, "POST /index/api/version HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx")
	begun := time.Now()
	require.NoError(t, conn.SetReadDeadline(begun.Add(time.Minute)))
	text, err := io.ReadAll(conn)
	require.NoError(t, err)
	require.Contains(t, string(text), "400 Bad Request")
	require.Greater(t, time.Since(begun), 5*time.Second)
}

// Every path of the table answers, with its arguments missing, and after them.
func TestEveryEndpoint(t *testing.T) {
	h, _ := newAPI(t, api.Options{})
	n := 0
	for path, route := range h.Routes() {
		if path == "/index/api/openapi.json" {
			continue
		}
		n++
		out := call(t, route, httptest.NewRequest(http.MethodGet, strings.ToUpper(path)+"?secret="+secret, nil))
		require.Contains(t, []float64{0, -1, -100, -300}, out["code"], "%s: %v", path, out)
	}
	require.Greater(t, n, 70)
}

// The secret shows in nothing that is logged.
func TestSecretIsNotLogged(t *testing.T) {
	var mu sync.Mutex
	var log strings.Builder
	m, err := media.New(media.Config{Logger: slog.New(slog.NewTextHandler(lockedWriter{&log, &mu}, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	defer m.Close()
	h, err := api.NewHandler(m, api.Options{Secret: secret, Debug: true})
	require.NoError(t, err)
	for path, route := range h.Routes() {
		w := httptest.NewRecorder()
		route.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path+"?secret="+secret+"&key="+secret, nil))
		require.NotContains(t, w.Body.String(), secret, path)
	}
	require.Contains(t, log.String(), "getMediaList")
	require.NotContains(t, log.String(), secret)
}

type lockedWriter struct {
	w  io.Writer
	mu *sync.Mutex
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// Many calls and streams at the same time: every appearance and end is told once and in order, for each schema.
func TestManyCallsAndStreams(t *testing.T) {
	const pairs, calls = 5000, 40000
	type where struct{ name, schema string }
	var mu sync.Mutex
	told := map[where][]bool{}
	m, err := media.New(media.Config{
		Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))},
		Hooks: []hook.Hook{hook.Funcs{OnStreamChanged: func(_ context.Context, ev *hook.StreamChangedEvent) {
			mu.Lock()
			defer mu.Unlock()
			w := where{ev.Stream.Name, ev.Schema}
			told[w] = append(told[w], ev.Registered)
		}}},
	})
	require.NoError(t, err)
	require.NoError(t, m.Register(nothing{}, "rtmp"))
	h, err := api.NewHandler(m, api.Options{Secret: secret})
	require.NoError(t, err)
	var running sync.WaitGroup
	for worker := range 10 {
		running.Go(func() {
			for range pairs / 10 {
				publish(t, m, fmt.Sprint("s", worker)).Close(nil)
			}
		})
	}
	for range 4 {
		running.Go(func() {
			for range calls / 4 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index/api/getMediaList?secret="+secret, nil))
				if w.Code != http.StatusOK {
					t.Errorf("status %d", w.Code)
				}
			}
		})
	}
	running.Wait()
	require.NoError(t, m.Shutdown(t.Context()))
	all := 0
	for w, list := range told {
		for i, registered := range list {
			require.Equal(t, i%2 == 0, registered, "%v: event %d", w, i)
		}
		require.Len(t, list, 2*pairs/10, "%v", w)
		all += len(list)
	}
	require.Equal(t, 2*pairs, all)
}

// A page of another origin may read replies, but not those that only the login of this one gets.
func TestCORS(t *testing.T) {
	h, _ := newAPI(t, api.Options{})
	for origin, want := range map[string]string{"http://evil.example": "", "http://a.example": "true", "https://a.example": ""} {
		r := httptest.NewRequest(http.MethodGet, "http://a.example/index/api/version?secret="+secret, nil)
		r.Header.Set("Origin", origin)
		w := httptest.NewRecorder()
		callInto(t, h, w, r)
		require.Equal(t, want, w.Header().Get("Access-Control-Allow-Credentials"), origin)
		if want == "" {
			origin = "*"
		}
		require.Equal(t, origin, w.Header().Get("Access-Control-Allow-Origin"))
	}
}
