package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

// HLSConfig is the part of a [Config] about HLS. The zero value means the defaults.
type HLSConfig struct {
	// SegmentDuration is how long a segment is at least, which ends at a key frame. Default 2 s.
	SegmentDuration time.Duration
	// Segments is how many the playlist has. Default 3.
	Segments int
	// Retain is how many more are kept, at least, which have left the playlist.
	Retain int
	// PartDuration is how long a part of low-latency HLS is at most, 200 ms to 1 s. Default 500 ms; negative means that
	// there are no parts.
	PartDuration time.Duration
	// FMP4Suffix is what the names of fMP4 segments end with. Default ".mp4".
	FMP4Suffix string
}

// withDefaults fills in what is not set.
func (c HLSConfig) withDefaults() HLSConfig {
	if c.SegmentDuration <= 0 {
		c.SegmentDuration = 2 * time.Second
	}
	if c.Segments <= 0 {
		c.Segments = 3
	}
	switch {
	case c.PartDuration < 0:
		c.PartDuration = 0
	case c.PartDuration == 0:
		c.PartDuration = 500 * time.Millisecond
	}
	if c.FMP4Suffix == "" {
		c.FMP4Suffix = ".mp4"
	}
	if !strings.HasPrefix(c.FMP4Suffix, ".") {
		c.FMP4Suffix = "." + c.FMP4Suffix
	}
	return c
}

// variant is a form of HLS.
type variant struct {
	schema   string
	playlist string // the last element of the path of its playlists
	kind     string // the Content-Type of its segments
	format   *media.Format
}

// variants are those of a handler that serves forms.
func variants(forms []*container) []*variant {
	list := []*variant{
		{schema: "hls", playlist: "hls.m3u8", kind: "video/mp2t"},
		{schema: "hls.fmp4", playlist: "hls.fmp4.m3u8", kind: "video/mp4"},
	}
	for _, f := range forms {
		switch f.schema {
		case "ts":
			list[0].format = f.reply
		case "fmp4":
			list[1].format = f.reply
		}
	}
	return list
}

// config is how a stream is cut.
func (v *variant) config(c HLSConfig) hls.Config {
	cfg := hls.Config{Target: c.SegmentDuration, Count: c.Segments, Retain: c.Retain, Suffix: ".ts", Tables: 2 * 188}
	if v.schema == "hls.fmp4" {
		cfg.Part, cfg.Suffix, cfg.Tables = c.PartDuration, c.FMP4Suffix, 0
	}
	return cfg
}

// hlsTarget is what a request for HLS is about.
type hlsTarget struct {
	key     hook.StreamKey
	variant *variant // nil if it is about a segment, of which the viewer tells
	piece   string   // the segment below the folder of the stream; empty for a playlist
	folder  string   // the path of that
}

// parseHLS takes the path of a request apart, and reports whether it is one for HLS.
func (h *Handler) parseHLS(r *http.Request) (t hlsTarget, ok bool) {
	folder, last := cutLast(r.URL.Path)
	for _, v := range h.variants {
		if v.playlist == last {
			t.variant = v
		}
	}
	if t.variant == nil {
		if folder, t.piece, ok = cutPiece(r.URL.Path); !ok {
			return t, false
		}
	}
	app, name, _ := strings.Cut(strings.TrimPrefix(folder, "/"), "/")
	if app == "" || name == "" {
		return t, false
	}
	t.folder = folder + "/"
	t.key = hook.StreamKey{VHost: h.config().vhost(r.Host, r.URL.Query()), App: app, Name: name}
	return t, true
}

// cutLast cuts the last element off a path.
func cutLast(path string) (rest, last string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// cutPiece cuts what names a segment off a path: <YYYY-MM-DD>/<HH>/<MM-SS>_<n> and more, or an initialization segment.
func cutPiece(path string) (folder, piece string, ok bool) {
	folder, last := cutLast(path)
	if strings.HasPrefix(last, "init") && strings.HasSuffix(last, ".mp4") {
		return folder, last, true
	}
	folder, hour := cutLast(folder)
	folder, day := cutLast(folder)
	if len(day) != len("2006-01-02") || len(hour) != len("15") || !strings.Contains(last, "_") {
		return "", "", false
	}
	if _, err := time.Parse("2006-01-02 15", day+" "+hour); err != nil {
		return "", "", false
	}
	return folder, day + "/" + hour + "/" + last, true
}

// serveHLS answers a request for a playlist or a segment.
func (h *Handler) serveHLS(w http.ResponseWriter, r *http.Request, t hlsTarget) {
	unbound(w)
	ctx, cancel := context.WithTimeout(r.Context(), hlsWait)
	defer cancel()
	if t.variant == nil {
		h.serveSegment(ctx, w, r, t)
		return
	}
	v, err := h.viewer(ctx, r, t)
	if err != nil {
		bound(w, r)
		h.setCORS(w.Header(), r)
		status, body := setRefusal(w.Header(), r.URL.Path, err)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
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
	v.write(w, [][]byte{[]byte(text)})
}

// hlsWait is how long a request may wait: for its stream, and for what is to come of it.
const hlsWait = 30 * time.Second

// serveSegment answers a request for a segment. Who asks is known from the playlist.
func (h *Handler) serveSegment(ctx context.Context, w http.ResponseWriter, r *http.Request, t hlsTarget) {
	v := h.viewers.find(r, t, h.config().remote(r).Addr())
	if v == nil {
		h.config().NotFound.ServeHTTP(w, r)
		return
	}
	pieces, err := v.live.Find(ctx, t.piece)
	bound(w, r)
	if err != nil {
		h.answerHLS(w, r, err)
		return
	}
	h.setCORS(w.Header(), r)
	w.Header().Set("Content-Type", v.variant.kind)
	v.write(w, pieces)
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

// parseReload reads the directives of low-latency HLS in a query (RFC 8216bis, 6.2.5).
func parseReload(query url.Values) (r hls.Reload, ok bool) {
	number := func(name string) (int64, bool) {
		text := query.Get(name)
		if text == "" {
			return -1, true
		}
		n, err := strconv.ParseUint(text, 10, 32)
		return int64(n), err == nil
	}
	var okSegment, okPart bool
	r.Segment, okSegment = number("_HLS_msn")
	r.Part, okPart = number("_HLS_part")
	skip := query.Get("_HLS_skip")
	r.Skip = skip == "YES" || skip == "v2"
	return r, okSegment && okPart && (r.Part < 0 || r.Segment >= 0)
}

// forwardedQuery is a query without the directives of HLS.
func forwardedQuery(raw string) string {
	if !strings.Contains(raw, "_HLS_") {
		return raw
	}
	var keep []string
	for part := range strings.SplitSeq(raw, "&") {
		if !strings.HasPrefix(part, "_HLS_") {
			keep = append(keep, part)
		}
	}
	return strings.Join(keep, "&")
}

// ends are the two ends of the connection of a request.
func ends(h *Handler, r *http.Request) {
	if r.ProtoMajor == 1 {
		h.media.Settle(forwarded.Ends(r))
	}
}
