package rtsp

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/rtp/mux"
)

// target is what a URL names.
type target struct {
	base   string // the URL without query and control: some resolve controls as RFC 3986 does, some append them
	key    hook.StreamKey
	params string
	track  int // -1 for the whole
}

// control is what tracks are called in SDP and SETUP.
const control = "trackID="

// parseTarget takes apart the URL of a request. If there is a query, some clients put the control of a track behind it,
// and those that resolve it as RFC 3986 does in front of it.
func parseTarget(raw string, enableVHost bool) (target, bool) {
	t := target{track: -1}
	raw, t.track = cutControl(raw)
	path, query, _ := strings.Cut(strings.TrimSuffix(raw, "/"), "?")
	if t.track < 0 {
		path, t.track = cutControl(path)
	}
	t.base = strings.TrimSuffix(path, "/")
	host := ""
	if _, rest, ok := strings.Cut(path, "://"); ok {
		host, path, _ = strings.Cut(rest, "/")
	}
	path = strings.Trim(path, "/")
	if plain, err := url.PathUnescape(path); err == nil {
		path = plain
	}
	app, name, _ := strings.Cut(path, "/")
	name = strings.Trim(name, "/")
	t.params = strings.TrimSuffix(query, "/")
	t.key = hook.StreamKey{VHost: vhost(host, t.params, enableVHost), App: app, Name: name}
	return t, app != "" && name != ""
}

// cutControl cuts the control of a track off a URL.
func cutControl(raw string) (base string, track int) {
	at := strings.LastIndex(raw, "/"+control)
	if at < 0 {
		return raw, -1
	}
	n, err := strconv.Atoi(strings.TrimSuffix(raw[at+1+len(control):], "/"))
	if err != nil || n < 0 || n >= mux.MaxTracks {
		return raw, -1
	}
	return raw[:at], n
}

// vhost is the host of the URL unless it is none, or what the query says.
func vhost(host, params string, enabled bool) string {
	if !enabled {
		return hook.DefaultVHost
	}
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	} else {
		host = strings.Trim(host, "[]")
	}
	query, _ := url.ParseQuery(params)
	if v := query.Get("vhost"); v != "" {
		host = v
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" || strings.EqualFold(host, "localhost") {
		return hook.DefaultVHost
	}
	return host
}

// controlOf is the control of a track in SDP.
func controlOf(track int) string { return control + strconv.Itoa(track) }
