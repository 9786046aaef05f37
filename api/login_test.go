package api_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
)

// browser calls the API from far away with the cookies that it was given.
type browser struct {
	t       *testing.T
	h       *api.Handler
	cookies map[string]*http.Cookie
}

func (b *browser) call(path string) map[string]any {
	r := httptest.NewRequest(http.MethodGet, "http://a.example/index/api/"+path, nil)
	r.RemoteAddr = "192.0.2.1:5"
	for _, c := range b.cookies {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	out := callInto(b.t, b.h, w, r)
	for _, c := range w.Result().Cookies() {
		b.cookies[c.Name] = c
	}
	return out
}

func (b *browser) login(key string) map[string]any {
	challenge, _ := b.call("version")["cookie"].(string)
	sum := md5.Sum([]byte("zlmediakit:" + key + ":" + challenge))
	return b.call("login?digest=" + hex.EncodeToString(sum[:]))
}

func newBrowser(t *testing.T, h *api.Handler) *browser {
	return &browser{t, h, map[string]*http.Cookie{}}
}

func TestLoginEndsWithTheSecret(t *testing.T) {
	h, _ := newAPI(t, api.Options{Secret: secret})
	b := newBrowser(t, h)
	require.Equal(t, -100.0, b.login("wrong")["code"])
	require.Equal(t, 0.0, b.login(secret)["code"])
	require.Equal(t, 0.0, b.call("version")["code"])
	require.NoError(t, h.SetOptions(api.Options{Secret: "another"}))
	require.Equal(t, -100.0, b.call("version")["code"], "who knew the old one does not know this one")
	require.Equal(t, 0.0, b.login("another")["code"])
	require.Equal(t, 0.0, b.call("version")["code"])
}

func TestChallengeIsGoodOnce(t *testing.T) {
	h, _ := newAPI(t, api.Options{Secret: secret})
	b := newBrowser(t, h)
	challenge := b.call("version")["cookie"].(string)
	cookie := b.cookies["ZLM_UNLOGIN"]
	sum := md5.Sum([]byte("zlmediakit:" + secret + ":" + challenge))
	answer := "login?digest=" + hex.EncodeToString(sum[:])
	require.Equal(t, 0.0, b.call(answer)["code"])
	overheard := newBrowser(t, h)
	overheard.cookies[cookie.Name] = cookie
	require.Equal(t, -100.0, overheard.call(answer)["code"])
	for i := range 1100 { // more than are remembered
		require.Equal(t, 0.0, newBrowser(t, h).login(secret)["code"], i)
	}
	overheard.cookies[cookie.Name] = cookie
	require.Equal(t, -100.0, overheard.call(answer)["code"])
}

func TestLogoutSaysWhatItDid(t *testing.T) {
	h, _ := newAPI(t, api.Options{Secret: secret})
	b := newBrowser(t, h)
	require.Equal(t, "you were not logged in", b.call("logout")["msg"])
	require.Equal(t, 0.0, b.login(secret)["code"])
	reply := b.call("logout")
	require.NotContains(t, reply, "msg")
	require.Equal(t, 0.0, reply["code"])
	require.Equal(t, -100.0, b.call("version")["code"])
}

// Only a proxy that is trusted is believed about who the client is.
func TestForwardedAddress(t *testing.T) {
	inside := netip.MustParsePrefix("10.0.0.0/8")
	for i, c := range []struct {
		peer, said string
		code       float64
	}{
		{"10.0.0.1:5", "", 0},
		{"192.0.2.1:5", "", -100},
		{"192.0.2.1:5", "10.0.0.1", -100},
		{"127.0.0.1:5", "10.0.0.9", 0},
		{"127.0.0.1:5", "10.0.0.9, 192.0.2.1", -100},
	} {
		h, _ := newAPI(t, api.Options{
			Secret: secret, AllowIP: inside.Contains, ForwardedIPHeader: "X-Forwarded-For", TrustedProxy: netip.Addr.IsLoopback,
		})
		r := httptest.NewRequest(http.MethodGet, "/index/api/version?secret="+secret, nil)
		r.RemoteAddr = c.peer
		if c.said != "" {
			r.Header.Set("X-Forwarded-For", c.said)
		}
		require.Equal(t, c.code, call(t, h, r)["code"], fmt.Sprint(i))
	}
}

// Cookies of a page that is seen by HTTPS never go out in the clear, also where a trusted proxy speaks TLS for us.
func TestSecureCookies(t *testing.T) {
	h, _ := newAPI(t, api.Options{TrustedProxy: netip.Addr.IsLoopback})
	for peer, want := range map[string]bool{"127.0.0.1:5": true, "192.0.2.1:5": false} {
		r := httptest.NewRequest(http.MethodGet, "http://a.example/index/api/version", nil)
		r.RemoteAddr = peer
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		require.Equal(t, -100.0, callInto(t, h, w, r)["code"])
		require.Len(t, w.Result().Cookies(), 1)
		require.Equal(t, want, w.Result().Cookies()[0].Secure, peer)
	}
}
