package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/hls"
)

// servePlaylist answers a request for a playlist, or for its headers.
func (h *Handler) servePlaylist(w http.ResponseWriter, r *http.Request, t hlsTarget) {
	head := w.Header()
	if r.Method == http.MethodHead {
		h.setCORS(head, r)
		head.Set("Content-Type", playlistType)
		return
	}
	reload, ok := parseReload(r.URL.Query())
	if !ok {
		http.Error(w, "_HLS_msn and _HLS_part are numbers, and the second needs the first", http.StatusBadRequest)
		return
	}
	reload.Delayed = t.delayed
	a := ask{at: time.Now(), wire: h.wireOf(r), blocking: reload.Segment >= 0}
	v, err := h.viewer(w, r, t, a)
	if err != nil {
		h.refuseHLS(w, r, err)
		return
	}
	defer h.viewers.answered(v, a.wire)
	var text []byte
	zipped := takesGzip(r)
	err = h.patiently(w, r, v, func(ctx context.Context) (err error) {
		text, err = h.playlist(ctx, v, t, reload, forwardedQuery(r.URL.RawQuery), zipped)
		return err
	})
	switch cause := v.entry.Err(); {
	case cause != nil: // it has been kicked meanwhile
		h.refuseHLS(w, r, cause)
		return
	case err != nil:
		h.answerHLS(w, r, err)
		return
	}
	h.setCORS(head, r)
	h.viewers.setCookie(v, head, t.folder)
	head.Set("Content-Type", playlistType)
	head.Set("Cache-Control", "no-cache")
	head.Add("Vary", "Accept-Encoding")
	if zipped {
		head.Set("Content-Encoding", "gzip")
	}
	v.write(w, r, replyTime, text)
}

const playlistType = "application/vnd.apple.mpegurl; charset=utf-8"

// playlist returns the text of a playlist, in gzip if that is wanted. The query of the viewer goes on in its URIs, unless it has shown
// its cookie.
func (h *Handler) playlist(
	ctx context.Context, v *viewer, t hlsTarget, reload hls.Reload, query string, zipped bool,
) ([]byte, error) {
	if t.index {
		uri := v.variant.playlist
		if query != "" {
			uri += "?" + query
		}
		text, err := v.live.Multivariant(ctx, uri)
		if err != nil {
			return nil, err
		}
		h.viewers.expect(v)
		if zipped {
			return h.zip(text), nil
		}
		return []byte(text), nil
	}
	if v.confirmed.Load() {
		query = ""
	}
	if zipped {
		return v.live.EncodedPlaylist(ctx, reload, query, h.zip)
	}
	text, err := v.live.Playlist(ctx, reload, query)
	return []byte(text), err
}

// zip returns a text in gzip.
func (h *Handler) zip(text string) []byte {
	z, _ := h.gzips.Get().(*gzip.Writer)
	if z == nil {
		z, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // a level that there is
	}
	defer h.gzips.Put(z)
	var b bytes.Buffer
	z.Reset(&b)
	_, _ = io.WriteString(z, text) // into memory
	_ = z.Close()
	return b.Bytes()
}

// takesGzip reports whether a client takes replies in gzip (RFC 9110, 12.5.3).
func takesGzip(r *http.Request) bool {
	for _, line := range r.Header.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(line, ",") {
			coding, weight, _ := strings.Cut(item, ";")
			if coding = strings.TrimSpace(coding); strings.EqualFold(coding, "gzip") || strings.EqualFold(coding, "x-gzip") {
				_, q, found := strings.Cut(weight, "=")
				value, err := strconv.ParseFloat(strings.TrimSpace(q), 64)
				return !found || err == nil && value > 0
			}
		}
	}
	return false
}

// refuseHLS tells a client why it may not watch, as a page.
func (h *Handler) refuseHLS(w http.ResponseWriter, r *http.Request, err error) {
	bound(w, r)
	h.setCORS(w.Header(), r)
	status, text := refusal(err)
	if status == http.StatusNotFound {
		h.config().notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, html.EscapeString(text)) // the client may have left
}

// hlsWait is how long a request may wait: for its stream, and for what is to come of it.
const hlsWait = 30 * time.Second

// errNotYet says that something is not there yet.
var errNotYet = errors.New("web: not there yet")

// over returns a context that has ended, for who wants what is there without waiting.
func over() context.Context {
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(errNotYet)
	return ctx
}

// patiently does what may have to wait, for as long as the request and its viewer last. Most need not, and are spared the means.
func (h *Handler) patiently(w http.ResponseWriter, r *http.Request, v *viewer, do func(context.Context) error) error {
	err := do(h.over) //nolint:contextcheck // nothing waits
	if !errors.Is(err, errNotYet) {
		return err
	}
	unbound(w)
	defer bound(w, r)
	ctx, cancel := context.WithTimeout(r.Context(), hlsWait)
	defer cancel()
	defer context.AfterFunc(v.life, cancel)() //nolint:contextcheck // a second reason to end
	return do(ctx)
}

// serveSegment answers a request for a segment of one who is known from the playlist.
func (h *Handler) serveSegment(w http.ResponseWriter, r *http.Request, v *viewer, t hlsTarget) {
	h.settle(r)
	var pieces [][]byte
	err := h.patiently(w, r, v, func(ctx context.Context) (err error) {
		pieces, err = v.live.Find(ctx, t.piece)
		return err
	})
	if v.entry.Err() != nil { // it has been kicked meanwhile
		err = hls.ErrNotFound
	}
	if err != nil {
		h.answerHLS(w, r, err)
		return
	}
	h.setCORS(w.Header(), r)
	w.Header().Set("Content-Type", v.variant.kind)
	v.write(w, r, v.patience(), pieces...)
}

// answerHLS answers what cannot be had.
func (h *Handler) answerHLS(w http.ResponseWriter, r *http.Request, err error) {
	h.setCORS(w.Header(), r)
	switch {
	case errors.Is(err, hls.ErrTooFar):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, hls.ErrNotFound):
		h.config().notFound(w, r)
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
