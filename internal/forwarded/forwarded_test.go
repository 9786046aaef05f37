package forwarded

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func request(peer string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", http.NoBody)
	r.RemoteAddr = peer
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return r
}

func TestClient(t *testing.T) {
	private := netip.MustParsePrefix("10.0.0.0/8")
	p := Proxies{Header: "X-Forwarded-For", Trusted: private.Contains}
	for name, c := range map[string]struct {
		proxies Proxies
		request *http.Request
		want    string
	}{
		"nobody is trusted":             {Proxies{Header: p.Header}, request("10.0.0.1:1", p.Header, "1.2.3.4"), "10.0.0.1"},
		"no header is named":            {Proxies{Trusted: p.Trusted}, request("10.0.0.1:1", p.Header, "1.2.3.4"), "10.0.0.1"},
		"a stranger says so":            {p, request("9.9.9.9:1", p.Header, "10.0.0.7"), "9.9.9.9"},
		"a proxy says so":               {p, request("10.0.0.1:1", p.Header, "1.2.3.4"), "1.2.3.4"},
		"the client has lied to it":     {p, request("10.0.0.1:1", p.Header, "127.0.0.1, 1.2.3.4"), "1.2.3.4"},
		"two proxies":                   {p, request("10.0.0.1:1", p.Header, "127.0.0.1, 1.2.3.4, 10.0.0.2"), "1.2.3.4"},
		"two headers":                   {p, request("10.0.0.1:1", p.Header, "127.0.0.1", p.Header, "1.2.3.4"), "1.2.3.4"},
		"a client among the proxies":    {p, request("10.0.0.1:1", p.Header, "10.0.0.9"), "10.0.0.9"},
		"no header":                     {p, request("10.0.0.1:1"), "10.0.0.1"},
		"rubbish":                       {p, request("10.0.0.1:1", p.Header, "1.2.3.4, unknown"), "10.0.0.1"},
		"with a port":                   {p, request("10.0.0.1:1", p.Header, "[2001:db8::1]:99"), "2001:db8::1"},
		"in brackets":                   {p, request("10.0.0.1:1", p.Header, "[2001:db8::1]"), "2001:db8::1"},
		"IPv4 in IPv6":                  {p, request("[::ffff:10.0.0.1]:1", p.Header, "::ffff:1.2.3.4"), "1.2.3.4"},
		"a peer that is not an address": {p, request("@", p.Header, "1.2.3.4"), "invalid IP"},
	} {
		require.Equal(t, c.want, c.proxies.Client(c.request).String(), name)
	}
}

func TestScheme(t *testing.T) {
	p := Proxies{Trusted: netip.MustParsePrefix("10.0.0.0/8").Contains}
	require.Equal(t, "http", p.Scheme(request("10.0.0.1:1")))
	require.Equal(t, "https", p.Scheme(request("10.0.0.1:1", "X-Forwarded-Proto", "https")))
	require.Equal(t, "http", p.Scheme(request("9.9.9.9:1", "X-Forwarded-Proto", "https")))
	r := request("9.9.9.9:1", "X-Forwarded-Proto", "http")
	r.TLS = &tls.ConnectionState{}
	require.Equal(t, "https", p.Scheme(r))
}

func TestMarked(t *testing.T) {
	require.False(t, Marked(request("", "User-Agent", "x", "X-Requested-With", "y").Header))
	for _, name := range []string{
		"Via", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "CF-Connecting-IP", "CF-Ray",
		"True-Client-IP", "X-Client-IP", "Cdn-Loop", "X-Original-Forwarded-For",
	} {
		require.True(t, Marked(request("", name, "").Header), name)
	}
}
