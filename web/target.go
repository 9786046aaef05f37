package web

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/sluice-media/sluice/hook"
)

// target is what a request asks for.
type target struct {
	key    hook.StreamKey
	form   *container
	params string
}

// parseTarget returns the stream that a URL names: /app/name with the suffix of a container, such as .live.flv, or
// /app/name with schema= in the query, in which case nothing is cut off. The name may have slashes.
func (h *Handler) parseTarget(r *http.Request) (target, bool) {
	query := r.URL.Query()
	form, path := containerOf(h.forms, strings.TrimPrefix(r.URL.Path, "/"), query)
	app, name, _ := strings.Cut(path, "/")
	if form == nil || app == "" || name == "" {
		return target{}, false
	}
	key := hook.StreamKey{VHost: h.config().vhost(r), App: app, Name: name}
	return target{key: key, form: form, params: r.URL.RawQuery}, true
}

// vhost returns the virtual host that a request is for.
func (c *Config) vhost(r *http.Request) string {
	if !c.EnableVHost {
		return hook.DefaultVHost
	}
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if v := r.URL.Query().Get("vhost"); v != "" {
		host = v
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "" || host == "localhost" {
		return hook.DefaultVHost
	}
	return host
}
