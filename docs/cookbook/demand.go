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
