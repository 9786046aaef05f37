package api

import (
	"io"
	"net/http"

	"github.com/sluice-media/sluice/media"
)

// Health returns a handler for load balancers and supervisors: status 200 while m serves, and 503 from the moment it
// begins to end. It asks nobody for a secret and tells nothing else.
func Health(m *media.Server) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		text := "ok\n"
		if m.Err() != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			text = "ending\n"
		}
		_, _ = io.WriteString(w, text) // the client may have gone
	})
}
