package web

import (
	"net/http"
	"net/netip"
	"strings"
)

// Config of a [Handler]. The zero value works.
type Config struct {
	// EnableVHost takes the virtual host from the Host header, or from vhost= in the query. Without it every
	// stream is of the default one.
	EnableVHost bool
	// LegacyCodecs sends H.265, AV1, VP8, VP9 and Opus by the numbers in use before Enhanced RTMP.
	LegacyCodecs bool
	// NoCORS leaves out the headers that let pages of other origins play.
	NoCORS bool
	// ForwardedIPHeader names a header, set by a trusted proxy, that holds the client's address. Empty means
	// that the peer is the client.
	ForwardedIPHeader string
	// NotFound answers what is no stream. Nil means a page with status 404.
	NotFound http.Handler
}

// remote returns the address of the client.
func (c *Config) remote(r *http.Request) netip.AddrPort {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero value for what is no address
	peer = netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
	if c.ForwardedIPHeader == "" {
		return peer
	}
	first, _, _ := strings.Cut(r.Header.Get(c.ForwardedIPHeader), ",")
	addr, err := netip.ParseAddr(strings.TrimSpace(first))
	if err != nil {
		return peer
	}
	return netip.AddrPortFrom(addr.Unmap(), peer.Port())
}
