package api

import "net/http"

// Protect lets through to next only who may call the API: with the secret in the query or header, or from where none is
// needed. The others get status 401.
func (h *Handler) Protect(next http.Handler) http.Handler {
	rt := &route{endpoint: &endpoint{Name: "protected", Auth: "secret"}}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{route: rt, request: r, writer: w, args: parseArguments(r, nil, false)}
		if err := h.authorize(c); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
