package web

import (
	"net/http"
	"net/netip"
	"slices"

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
	// "https://example.com", or "*" for all. Pages of other origins than the server's own may not play otherwise. Its own
	// has the scheme, host and port that the browser asked for; where a proxy ends TLS, see TrustedProxy.
	AllowOrigins []string
	// ForwardedIPHeader names a header, such as X-Forwarded-For, in which proxies say who their clients are. Empty means
	// that the peer is the client.
	ForwardedIPHeader string
	// TrustedProxy reports whether an address is that of a proxy whose ForwardedIPHeader and X-Forwarded-Proto are
	// believed. Nil trusts nobody, and the headers have no effect.
	TrustedProxy func(netip.Addr) bool
	// HLS says how streams are cut for HLS.
	HLS HLSConfig
	// NotFoundPage is the page, in HTML, for a stream that is not there, or a part of one. Empty means a plain one.
	NotFoundPage string
	// NotFound answers what is no stream. Nil means a page with status 404.
	NotFound http.Handler
}

// allows reports whether pages of an origin may play.
func (c *Config) allows(origin string) bool {
	origin = forwarded.Origin(origin)
	return slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return o == "*" || forwarded.Origin(o) == origin })
}

// foreign reports whether a request is made by a page that may not play. Clients that are no browsers do not say where
// they come from.
func (c *Config) foreign(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin != "" && !c.allows(origin) && !c.proxies().Own(r, origin)
}

// setCORS lets a page of another origin have the reply, if it may.
func (c *Config) setCORS(head http.Header, r *http.Request) {
	if origin := r.Header.Get("Origin"); origin != "" && c.allows(origin) {
		head.Set("Access-Control-Allow-Origin", origin)
		head.Add("Vary", "Origin")
		head.Set("Access-Control-Allow-Credentials", "true")
	}
}

// setAllowed answers a browser that asks before it fetches something for a page of another origin.
func (c *Config) setAllowed(head http.Header, r *http.Request, methods string) {
	head.Set("Allow", methods)
	origin := r.Header.Get("Origin")
	switch {
	case origin == "" && c.allows("*"):
		origin = "*"
	case origin == "" || !c.allows(origin):
		return
	}
	head.Set("Access-Control-Allow-Origin", origin)
	head.Add("Vary", "Origin")
	head.Set("Access-Control-Allow-Headers", "*")
	head.Set("Access-Control-Allow-Methods", methods)
	head.Set("Access-Control-Allow-Credentials", "true")
}

// proxies are those that are believed.
func (c *Config) proxies() forwarded.Proxies {
	return forwarded.Proxies{Header: c.ForwardedIPHeader, Trusted: c.TrustedProxy}
}

// remote returns the address of the client, and the port of the peer.
func (c *Config) remote(r *http.Request) netip.AddrPort {
	client := c.proxies().Client(r)
	return netip.AddrPortFrom(client, forwarded.Peer(r).Port())
}
