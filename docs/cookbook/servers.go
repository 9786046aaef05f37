package cookbook

import (
	"net/http"
	"strings"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// tenants serves each host name by a media server of its own. They share nothing: no stream, limit, hook or log.
type tenants map[string]http.Handler

func (t tenants) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	if h, ok := t[host]; ok {
		h.ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}

// add makes a tenant. Its server may have RTMP and RTSP ports, too; the host closes it.
func (t tenants) add(host string, hooks ...hook.Hook) (*media.Server, error) {
	m, err := media.New(media.Config{Hooks: hooks, MaxConnections: 1000})
	if err != nil {
		return nil, err
	}
	if t[host], err = web.NewHandler(m, web.Config{}); err != nil {
		return nil, err
	}
	return m, nil
}
