package forwarded

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Own reports whether a URL that a browser names, in Origin or Referer, is of the scheme, host and port that the request
// was made to (RFC 6454, 5): of the server's own pages. The scheme is that of [Proxies.Scheme], the rest that of Host.
func (p Proxies) Own(r *http.Request, text string) bool {
	scheme := p.Scheme(r)
	return Origin(text) == scheme+"://"+withPort(r.Host, scheme)
}

// Origin is the scheme, host and port of a URL in one form, in which equal ones compare equal: in small letters, and with
// the port also where the scheme implies it. What is none, such as null, comes back as it is.
func Origin(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	return u.Scheme + "://" + withPort(u.Host, u.Scheme)
}

// withPort adds to a host the port that its scheme implies.
func withPort(host, scheme string) string {
	host = strings.ToLower(host)
	if _, port, err := net.SplitHostPort(host); err == nil && port != "" {
		return host
	}
	port := "80"
	if scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(strings.Trim(strings.TrimSuffix(host, ":"), "[]"), port)
}
