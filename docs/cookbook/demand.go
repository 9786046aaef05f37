package cookbook

import (
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/relay"
)

// pullOnDemand pulls cameras while somebody watches them: the URLs are those of streams cameras/NAME.
func pullOnDemand(r *relay.Relay, urls map[string]string) (stop func()) {
	return r.OnDemand(func(key media.StreamKey) (url string, ok bool) {
		url, ok = urls[key.Name]
		return url, ok && key.App == "cameras"
	})
}

// beEdge has a server take from an origin, such as rtsp://edge:secret@10.0.0.1:8554, what it does not have itself.
func beEdge(r *relay.Relay, origin string) (stop func(), err error) {
	return r.Edge(relay.EdgeConfig{Origins: []string{origin + "/%s/%s"}})
}
