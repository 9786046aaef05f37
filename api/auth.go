package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// authorize decides whether a call may be made.
func (h *Handler) authorize(c *call) error {
	o := h.options()
	if o.AllowIP != nil && !o.AllowIP(o.client(c.request)) {
		return &Error{Code: codeAuth, Msg: "Your ip is not allowed to access the service."}
	}
	switch {
	case c.endpoint.Auth == "none", o.NoAuth:
		return nil
	case o.Secret != "" && sameSecret(c.args.get("secret"), o.Secret):
		return nil
	case h.logins.valid(c.request) && fromOwnPage(c.request):
		return nil
	case !o.LoopbackNeedsSecret && o.ForwardedIPHeader == "" && isLocal(c.request):
		return nil
	}
	return h.challenge(c, "Please login first")
}

// sameSecret compares in a time that tells neither the secret nor its length.
func sameSecret(given, secret string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// client is the address of who calls; the zero value if it is not known.
func (o *Options) client(r *http.Request) netip.Addr {
	if o.ForwardedIPHeader != "" {
		first, _, _ := strings.Cut(r.Header.Get(o.ForwardedIPHeader), ",")
		if addr, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
			return addr.Unmap()
		}
	}
	return peer(r).Addr()
}

func peer(r *http.Request) netip.AddrPort {
	addr, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero value for what is no address
	return netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
}

// isLocal reports whether a program on this machine calls: not one far away through a proxy here, and not a web page
// that a browser here shows.
func isLocal(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if len(r.Header.Values(name)) > 0 {
			return false
		}
	}
	if !peer(r).Addr().IsLoopback() || !isLoopbackHost(r.Host) {
		return false // a name that leads here may be anybody's
	}
	return fromOwnPage(r)
}

// fromOwnPage reports whether no web page of another origin makes a browser call.
func fromOwnPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	return sameOrigin(r, r.Header.Get("Origin")) && sameOrigin(r, r.Header.Get("Referer"))
}

func isLoopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	addr, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback()
}

// sameOrigin reports whether a URL that a browser names is of the host that it calls, or there is none.
func sameOrigin(r *http.Request, text string) bool {
	if text == "" {
		return true
	}
	u, err := url.Parse(text)
	return err == nil && u.Host == r.Host
}
