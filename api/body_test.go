package api_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
)

// counted is a body of which is known how much of it was read.
type counted struct {
	io.Reader
	n int
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += n
	return n, err
}

func (c *counted) Close() error { return nil }

// Of a stranger no more than 64 KiB is read: there may be the secret. Whoever has shown before that he may call may send all
// that the options allow.
func TestBodiesOfStrangers(t *testing.T) {
	h, _ := newAPI(t, api.Options{MaxBody: 1 << 20, AllowIP: func(a netip.Addr) bool { return a != netip.MustParseAddr("203.0.113.1") }})
	b := newBrowser(t, h)
	require.Equal(t, 0.0, b.login(secret)["code"])
	post := func(path, body string, change func(*http.Request)) (status, read int) {
		sent := &counted{Reader: strings.NewReader(body)}
		r := httptest.NewRequest(http.MethodPost, "http://a.example/index/api/"+path, sent)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if change != nil {
			change(r)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, sent.n
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	large := "secret=" + secret + "&x=" + strings.Repeat("y", 500<<10)
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
	}{
		"nothing":      {"version", nil},
		"wrong query":  {"version?secret=wrong", nil},
		"wrong header": {"version", header("secret", "wrong")},
		"wrong cookie": {"version", header("Cookie", "ZLM_LOGINED=00")},
		"login":        {"login?digest=00", nil}, // anybody may
		"cookie, page": {"version", func(r *http.Request) {
			r.AddCookie(b.cookies["ZLM_LOGINED"])
			r.Header.Set("Origin", "http://evil.example")
		}},
		"loopback, page": {"version", func(r *http.Request) {
			r.RemoteAddr, r.Host = "127.0.0.1:5", "127.0.0.1"
			r.Header.Set("Origin", "http://evil.example")
		}},
		"address": {"version?secret=" + secret, func(r *http.Request) { r.RemoteAddr = "203.0.113.1:5" }},
	} {
		status, read := post(c.path, large, c.change)
		require.Equal(t, http.StatusRequestEntityTooLarge, status, name)
		require.LessOrEqual(t, read, 64<<10+1, name)
	}
	for name, c := range map[string]struct {
		path   string
		change func(*http.Request)
	}{
		"query":    {"version?secret=" + secret, nil},
		"header":   {"version", header("secret", secret)},
		"cookie":   {"version", func(r *http.Request) { r.AddCookie(b.cookies["ZLM_LOGINED"]) }},
		"loopback": {"version", func(r *http.Request) { r.RemoteAddr, r.Host = "127.0.0.1:5", "127.0.0.1" }},
	} {
		status, read := post(c.path, large, c.change)
		require.Equal(t, http.StatusOK, status, name)
		require.Equal(t, len(large), read, name)
	}
	status, _ := post("version", large[:64<<10], nil)
	require.Equal(t, http.StatusOK, status, "the secret is in what is read")
	status, read := post("version?secret="+secret, strings.Repeat("x", 2<<20), nil)
	require.Equal(t, http.StatusRequestEntityTooLarge, status)
	require.LessOrEqual(t, read, 1<<20+1)
}
