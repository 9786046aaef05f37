package forwarded

import (
	"crypto/tls"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOwn(t *testing.T) {
	p := Proxies{Trusted: netip.MustParsePrefix("10.0.0.0/8").Contains}
	for _, c := range []struct {
		peer, host, origin string
		tls                bool
		want               bool
	}{
		{"9.9.9.9:1", "h", "http://h", false, true},
		{"9.9.9.9:1", "H:80", "http://h", false, true},
		{"9.9.9.9:1", "h", "HTTP://h:80", false, true},
		{"9.9.9.9:1", "h", "http://h:", false, true},
		{"9.9.9.9:1", "h:8080", "http://h:8080/page?x", false, true},
		{"9.9.9.9:1", "[::1]", "http://[::1]:80", false, true},
		{"9.9.9.9:1", "h", "http://h:8080", false, false},
		{"9.9.9.9:1", "h:8080", "http://h", false, false},
		{"9.9.9.9:1", "h", "https://h", false, false},
		{"9.9.9.9:1", "h:443", "http://h:443", true, false},
		{"9.9.9.9:1", "h", "https://h:443", true, true},
		{"9.9.9.9:1", "h", "http://h", true, false},
		{"10.0.0.1:1", "h", "https://h", false, true},
		{"10.0.0.1:1", "h", "http://h", false, false},
		{"9.9.9.9:1", "h", "null", false, false},
		{"9.9.9.9:1", "h", "h", false, false},
		{"9.9.9.9:1", "h", "http://h.evil", false, false},
		{"9.9.9.9:1", "h", "http://%zz", false, false},
	} {
		r := request(c.peer, "X-Forwarded-Proto", "https")
		r.Host = c.host
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		require.Equal(t, c.want, p.Own(r, c.origin), "%+v", c)
	}
}

func TestOrigin(t *testing.T) {
	require.Equal(t, Origin("https://Example.com"), Origin("https://example.com:443/page"))
	require.NotEqual(t, Origin("https://example.com"), Origin("http://example.com:443"))
	for _, none := range []string{"", "*", "null", "http://%zz"} {
		require.Equal(t, none, Origin(none))
	}
}
