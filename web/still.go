package web

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/still"
)

const (
	stillSuffix = ".snap.mp4"
	// stillWait is how long a request for a picture may wait: for its stream, and for the next key picture.
	stillWait = 15 * time.Second
)

// parseStill returns the stream that a URL wants a picture of: /app/name.snap.mp4.
func (h *Handler) parseStill(r *http.Request) (target, bool) {
	cut := len(r.URL.Path) - len(stillSuffix)
	if cut < 0 || !strings.EqualFold(r.URL.Path[cut:], stillSuffix) {
		return target{}, false
	}
	app, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path[:cut], "/"), "/")
	if app == "" || name == "" {
		return target{}, false
	}
	key := hook.StreamKey{VHost: h.config().vhost(r), App: app, Name: name}
	for _, form := range h.forms {
		if form.schema == "fmp4" {
			return target{key: key, form: form, params: r.URL.RawQuery}, true
		}
	}
	return target{}, false
}

// serveStill serves the newest key picture of a stream as an MP4 of one picture, which any browser shows. Who asks is a viewer as others,
// for a moment.
func (h *Handler) serveStill(w http.ResponseWriter, r *http.Request, t target) {
	h.setHeaders(w.Header(), r, t)
	w.Header().Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return
	}
	unbound(w)
	ctx, cancel := context.WithTimeout(r.Context(), stillWait)
	defer cancel()
	entry := h.newSession(r, t, "http", func(error) { cancel() })
	defer entry.Close()
	player, err := h.play(ctx, entry, t, patiently)
	if err != nil {
		h.refuse(w, r, t, entry, err)
		return
	}
	defer player.Close(nil)
	var data []byte
	p, err := still.Take(ctx, player.Stream())
	if err == nil {
		var done func()
		data, done, err = h.stills.MP4(p)
		defer done()
	}
	bound(w, r)
	switch {
	case errors.Is(err, still.ErrNoPicture):
		w.Header().Del("Content-Type")
		http.Error(w, err.Error(), http.StatusNotFound)
	case err != nil:
		w.Header().Del("Content-Type")
		http.Error(w, "no key picture of the stream has come", http.StatusServiceUnavailable)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		n, _ := w.Write(data) // the client may have left
		entry.Sent(n)
	}
}
