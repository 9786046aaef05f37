package web

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/internal/forwarded"
)

// Config of a [Handler]. The zero value works.
type Config struct {
	// EnableVHost takes the virtual host from the Host header, or from vhost= in the query. Without it every
	// stream is of the default one.
	EnableVHost bool
	// LegacyCodecs sends H.265, AV1, VP8, VP9 and Opus by the numbers in use before Enhanced RTMP.
	LegacyCodecs bool
	// AllowOrigins are the origins whose pages may play, with the cookies that the browser has for this server: such as
	// "https://example.com", or "*" for all. Pages of other origins than the server's own may not play otherwise.
	AllowOrigins []string
	// ForwardedIPHeader names a header, such as X-Forwarded-For, in which proxies say who their clients are. Empty means
	// that the peer is the client.
	ForwardedIPHeader string
	// TrustedProxy reports whether an address is that of a proxy whose ForwardedIPHeader is believed. Nil trusts nobody,
	// and the header has no effect.
	TrustedProxy func(netip.Addr) bool
	// NotFound answers what is no stream. Nil means a page with status 404.
	NotFound http.Handler
}

// allows reports whether pages of an origin may play.
func (c *Config) allows(origin string) bool {
	return slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return o == "*" || strings.EqualFold(o, origin) })
}

// foreign reports whether a request is made by a page that may not play. Clients that are no browsers do not say where
// they come from.
func (c *Config) foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || c.allows(origin) {
		return false
	}
	u, err := url.Parse(origin)
	return err != nil || !strings.EqualFold(u.Host, r.Host) // whether a proxy has ended TLS is not known
}

// remote returns the address of the client, and the port of the peer.
func (c *Config) remote(r *http.Request) netip.AddrPort {
	client := forwarded.Proxies{Header: c.ForwardedIPHeader, Trusted: c.TrustedProxy}.Client(r)
	return netip.AddrPortFrom(client, forwarded.Peer(r).Port())
}
