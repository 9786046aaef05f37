package cookbook

import (
	"net/http"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/api/metrics"
	"github.com/sluice-media/sluice/media"
)

// figures adds what Prometheus and load balancers ask for. The figures are for who may call the API.
func figures(mux *http.ServeMux, m *media.Server, control *api.Handler) error {
	h, err := metrics.NewHandler(m, metrics.Config{})
	if err != nil {
		return err
	}
	mux.Handle("GET /metrics", control.Protect(h))
	mux.Handle("GET /healthz", api.Health(m))
	return nil
}
