// Package forwarded tells who made an HTTP request when proxies stand in between.
package forwarded

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies says whom to believe about who a client is. The zero value believes nobody: the peer is the client.
type Proxies struct {
	// Header is where a proxy says who its client is, such as X-Forwarded-For: addresses with commas in between, of
	// which each proxy adds the one that it was called from.
	Header string
	// Trusted reports whether an address is that of a proxy to be believed. Nil trusts nobody.
	Trusted func(netip.Addr) bool
}

// Peer is who is at the other end of the connection; the zero value if that is not known.
func Peer(r *http.Request) netip.AddrPort {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(peer.Addr().Unmap(), peer.Port())
}

// Client is the address of who made the request: the last one in the header that is no trusted proxy, if a trusted
// proxy has sent it. Addresses further in front are what a client says of itself.
func (p Proxies) Client(r *http.Request) netip.Addr {
	client := Peer(r).Addr()
	if p.Header == "" {
		return client
	}
	list := strings.Split(strings.Join(r.Header.Values(p.Header), ","), ",")
	for i := len(list) - 1; i >= 0 && p.trusts(client); i-- {
		addr, ok := parse(list[i])
		if !ok {
			break
		}
		client = addr
	}
	return client
}

func (p Proxies) trusts(a netip.Addr) bool { return p.Trusted != nil && a.IsValid() && p.Trusted(a) }

// parse reads an address, with or without a port.
func parse(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap(), true
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return addr.Unmap(), err == nil
}

// Scheme is http or https, as the client sees it: by X-Forwarded-Proto if a trusted proxy has sent the request.
func (p Proxies) Scheme(r *http.Request) string {
	if said := r.Header.Get("X-Forwarded-Proto"); p.trusts(Peer(r).Addr()) && (said == "http" || said == "https") {
		return said
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// Marked reports whether a proxy has left a mark in a request, so that its peer is not who made it.
func Marked(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "Cf-") || strings.HasPrefix(name, "X-Original-") {
			return true
		}
		switch name {
		case "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "True-Client-Ip", "Fastly-Client-Ip",
			"Cdn-Loop", "X-Envoy-External-Address", "X-Appengine-User-Ip", "X-Azure-Clientip", "X-Proxyuser-Ip":
			return true
		}
	}
	return false
}
