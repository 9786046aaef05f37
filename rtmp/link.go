package rtmp

import (
	"errors"
	"net/netip"
	"net/url"
	"strings"

	"github.com/sluice-media/sluice/hook"
)

// link is what a connect command says of the streams to come.
type link struct {
	host   string // of tcUrl, without the port
	app    string
	params string // the query of tcUrl or app
	tcURL  string
}

// maxText bounds tcUrl, app and the query of a stream, in bytes, and twice that a name with its query.
const maxText = 8 << 10

// errTooLong refuses what is over the bounds.
var errTooLong = errors.New("rtmp: the URL is too long")

// newLink takes apart tcUrl and app.
func newLink(tcURL, app string) link {
	l := link{tcURL: tcURL}
	base, query, _ := strings.Cut(tcURL, "?")
	if u, err := url.Parse(base); err == nil {
		l.host = u.Hostname()
	}
	var appQuery string
	l.app, appQuery, _ = strings.Cut(strings.Trim(app, "/"), "?")
	l.params = join(appQuery, query)
	if appQuery == query {
		l.params = query
	}
	return l
}

// join joins two queries.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}

// stream returns the key and the query of a stream name as publish and play give it. App and name are taken
// together and cut anew at the first slash, so that "live/a" in "app" and "b" mean the same as "a/b" in
// "live".
func (l link) stream(name string, enableVHost bool) (hook.StreamKey, string, error) {
	if len(name) > 2*maxText {
		return hook.StreamKey{}, "", errTooLong
	}
	name, query, _ := strings.Cut(name, "?")
	if kind, rest, ok := strings.Cut(name, ":"); ok && (kind == "mp4" || kind == "flv" || kind == "mp3") {
		name = rest + suffix(kind, rest)
	}
	path := strings.TrimLeft(l.app+"/"+strings.TrimLeft(name, "/"), "/")
	app, rest, _ := strings.Cut(path, "/")
	params := join(query, l.params)
	if len(params) > maxText {
		return hook.StreamKey{}, "", errTooLong
	}
	return hook.StreamKey{VHost: l.vhost(params, enableVHost), App: app, Name: strings.Trim(rest, "/")}, params, nil
}

// suffix is what "mp4:file" lacks.
func suffix(kind, name string) string {
	if strings.HasSuffix(name, "."+kind) {
		return ""
	}
	return "." + kind
}

// vhost is the host of the URL unless it is none, or what the query says.
func (l link) vhost(params string, enabled bool) string {
	if !enabled {
		return hook.DefaultVHost
	}
	host := l.host
	query, _ := url.ParseQuery(params) // what is broken in it, it leaves out
	if v := query.Get("vhost"); v != "" {
		host = v
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" || strings.EqualFold(host, "localhost") {
		return hook.DefaultVHost
	}
	return host
}
