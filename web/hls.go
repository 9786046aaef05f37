package web

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/hls"
)

// servePlaylist answers a request for a playlist.
func (h *Handler) servePlaylist(w http.ResponseWriter, r *http.Request, t hlsTarget) {
	unbound(w)
	ctx, cancel := context.WithTimeout(r.Context(), hlsWait)
	defer cancel()
	v, err := h.viewer(ctx, r, t)
	if err != nil {
		h.writeRefusal(w, r, err)
		return
	}
	reload, ok := parseReload(r.URL.Query())
	if !ok {
		bound(w, r)
		http.Error(w, "_HLS_msn and _HLS_part are numbers, and the second needs the first", http.StatusBadRequest)
		return
	}
	query := ""
	if !v.confirmed.Load() {
		query = forwardedQuery(r.URL.RawQuery)
	}
	text, err := v.live.Playlist(ctx, reload, query)
	bound(w, r)
	if err != nil {
		h.answerHLS(w, r, err)
		return
	}
	head := w.Header()
	h.setCORS(head, r)
	v.setCookie(head, t.folder)
	head.Set("Content-Type", "application/vnd.apple.mpegurl; charset=utf-8")
	head.Set("Cache-Control", "no-cache")
	v.write(w, []byte(text))
}

// hlsWait is how long a request may wait: for its stream, and for what is to come of it.
const hlsWait = 30 * time.Second

// serveSegment answers a request for a segment of one who is known from the playlist.
func (h *Handler) serveSegment(w http.ResponseWriter, r *http.Request, v *viewer, t hlsTarget) {
	unbound(w)
	ctx, cancel := context.WithTimeout(r.Context(), hlsWait)
	defer cancel()
	h.settle(r)
	pieces, err := v.live.Find(ctx, t.piece)
	bound(w, r)
	if err != nil {
		h.answerHLS(w, r, err)
		return
	}
	h.setCORS(w.Header(), r)
	w.Header().Set("Content-Type", v.variant.kind)
	v.write(w, pieces...)
}

// answerHLS answers what cannot be had.
func (h *Handler) answerHLS(w http.ResponseWriter, r *http.Request, err error) {
	h.setCORS(w.Header(), r)
	switch {
	case errors.Is(err, hls.ErrTooFar):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, hls.ErrNotFound):
		notFound(w, r)
	default:
		http.Error(w, "it did not come in time", http.StatusServiceUnavailable)
	}
}

// settle says that the connection of a request is one of somebody who may watch.
func (h *Handler) settle(r *http.Request) {
	if r.ProtoMajor == 1 {
		h.media.Settle(forwarded.Ends(r))
	}
}
