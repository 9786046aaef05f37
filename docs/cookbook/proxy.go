package cookbook

import (
	"net/http"
	"net/netip"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// behindProxy serves streams and the API to clients whom a proxy on the same machine speaks for: hooks, lists and
// Options.AllowIP see the clients' own addresses.
func behindProxy(m *media.Server, secret string) (http.Handler, error) {
	const header = "X-Forwarded-For"
	trusted := func(addr netip.Addr) bool { return addr.IsLoopback() }
	watch, err := web.NewHandler(m, web.Config{ForwardedIPHeader: header, TrustedProxy: trusted})
	if err != nil {
		return nil, err
	}
	return api.NewHandler(m, api.Options{
		Secret: secret, ForwardedIPHeader: header, TrustedProxy: trusted, NotFound: watch,
	})
}
