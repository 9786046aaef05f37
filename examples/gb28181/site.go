package main

import (
	"embed"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"

	"github.com/sluice-media/sluice/examples/gb28181/internal/platform"
)

//go:embed page
var pageFiles embed.FS

// site is the page, what it asks for, and the streams.
func site(p *platform.Platform, streams http.Handler) http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return http.NotFoundHandler() // it cannot be: the folder is embedded
	}
	mux.Handle("GET /{$}", secure(http.FileServerFS(files)))
	mux.Handle("GET /page.js", secure(http.FileServerFS(files)))
	mux.Handle("GET /page.css", secure(http.FileServerFS(files)))
	mux.HandleFunc("GET /devices.json", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.Devices()) })
	mux.Handle("POST /devices/{id}/catalog", http.NewCrossOriginProtection().Handler(catalog(p)))
	mux.Handle("/rtp/", streams)
	return mux
}

// catalog asks a device for its channels.
func catalog(p *platform.Platform) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := p.Query(r.Context(), r.PathValue("id"))
		switch {
		case err == nil:
			w.WriteHeader(http.StatusNoContent)
		case errors.Is(err, platform.ErrUnknown):
			http.Error(w, err.Error(), http.StatusNotFound)
		case errors.Is(err, platform.ErrBusy):
			http.Error(w, err.Error(), http.StatusConflict)
		default:
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	})
}

// secure lets the page load nothing from anywhere else.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; media-src 'self' blob:")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}
