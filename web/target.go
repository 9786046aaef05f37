package web

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/hook"
)

// suffix is what the path of an FLV stream ends with, in any case.
const suffix = ".live.flv"

// target is what a request asks for.
type target struct {
	key    hook.StreamKey
	params string
}

// parseTarget returns the stream that a URL names: /app/name.live.flv, or /app/name with schema=rtmp in the
// query, in which case nothing is cut off. The name may have slashes.
func (c *Config) parseTarget(r *http.Request) (target, bool) {
	query := r.URL.Query()
	path := strings.TrimPrefix(r.URL.Path, "/")
	if query.Has("schema") {
		if query.Get("schema") != "rtmp" {
			return target{}, false
		}
	} else {
		cut := len(path) - len(suffix)
		if cut < 0 || !strings.EqualFold(path[cut:], suffix) {
			return target{}, false
		}
		path = path[:cut]
	}
	app, name, _ := strings.Cut(path, "/")
	if app == "" || name == "" {
		return target{}, false
	}
	key := hook.StreamKey{VHost: c.vhost(r.Host, query), App: app, Name: name}
	return target{key: key, params: r.URL.RawQuery}, true
}

func (c *Config) vhost(host string, query url.Values) string {
	if !c.EnableVHost {
		return hook.DefaultVHost
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	if v := query.Get("vhost"); v != "" {
		host = v
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || host == "" || host == "localhost" {
		return hook.DefaultVHost
	}
	return host
}
