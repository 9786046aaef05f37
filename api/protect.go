package api

import "net/http"

// Protect lets through to next only who may call the API: with the secret in the query or header, or from where none is
// needed. The others get status 401.
func (h *Handler) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h.authorize(protected(w, r)); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Admits reports whether who makes a request may call the API, as [Handler.Protect] decides it. It answers nothing and logs nothing.
func (h *Handler) Admits(r *http.Request) bool {
	return h.options().allows(r) && h.knows(protected(nil, r))
}

// protected is a request for something else as a call that takes the secret.
func protected(w http.ResponseWriter, r *http.Request) *call {
	rt := &route{endpoint: &endpoint{Name: "protected", Auth: "secret"}}
	return &call{route: rt, request: r, writer: w, args: parseArguments(r, nil, false)}
}
