package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/throttle"
)

// authorize decides whether a call may be made.
func (h *Handler) authorize(c *call) error {
	if !h.options().allows(c.request) {
		h.logCaller(&h.outside, "api: the address may not call", c)
		return &Error{Code: codeAuth, Msg: "Your ip is not allowed to access the service."}
	}
	if c.endpoint.Auth == "none" || h.knows(c) {
		return nil
	}
	if c.args.has("secret") {
		h.logCaller(&h.wrong, "api: wrong secret", c)
	}
	return h.challenge(c, "Please login first")
}

// knows reports whether a caller has shown that he may call, by what has come of his request so far, or need not.
func (h *Handler) knows(c *call) bool {
	o := h.options()
	switch {
	case o.NoAuth:
		return true
	case c.args.has("secret"): // whoever gives one must know it, from wherever
		return o.Secret != "" && sameSecret(c.args.get("secret"), o.Secret)
	}
	return h.logins.valid(c.request, o.Secret) && o.fromOwnPage(c.request) || o.isLocal(c.request)
}

// allows reports whether anybody may call from where a request comes from.
func (o *Options) allows(r *http.Request) bool {
	return o.AllowIP == nil || o.AllowIP(o.proxies().Client(r))
}

// logCaller says who may not call, but not each time.
func (h *Handler) logCaller(t *throttle.Throttle, what string, c *call, more ...any) {
	if n, ok := t.Ready(); ok {
		client := h.options().proxies().Client(c.request)
		more = append([]any{"endpoint", c.Name, "peer", c.request.RemoteAddr, "client", client.String(), "number", n}, more...)
		h.log.Warn(what, more...)
	}
}

// sameSecret compares in a time that tells neither the secret nor its length.
func sameSecret(given, secret string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// proxies are those that are believed.
func (o *Options) proxies() forwarded.Proxies {
	return forwarded.Proxies{Header: o.ForwardedIPHeader, Trusted: o.TrustedProxy}
}

// isLocal reports whether a program on this machine calls, and needs no secret: not one far away through a proxy here,
// and not a web page that a browser here shows.
func (o *Options) isLocal(r *http.Request) bool {
	if o.LoopbackNeedsSecret || o.ForwardedIPHeader != "" || forwarded.Marked(r.Header) {
		return false
	}
	if !forwarded.Peer(r).Addr().IsLoopback() || !isLoopbackHost(r.Host) {
		return false // a name that leads here may be anybody's
	}
	return o.fromOwnPage(r)
}

// fromOwnPage reports whether no web page of another origin makes a browser call.
func (o *Options) fromOwnPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return false
	}
	return o.sameOrigin(r, r.Header.Get("Origin")) && o.sameOrigin(r, r.Header.Get("Referer"))
}

func isLoopbackHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	addr, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback()
}

// sameOrigin reports whether a URL that a browser names is of the server's own pages, or there is none.
func (o *Options) sameOrigin(r *http.Request, text string) bool {
	return text == "" || o.proxies().Own(r, text)
}
