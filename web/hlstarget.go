package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/hls"
)

// hlsTarget is what a request for HLS is about.
type hlsTarget struct {
	key     hook.StreamKey
	variant *variant // nil if it is about a segment, of which the viewer tells
	index   bool     // it is about the multivariant playlist, which names that of the variant
	delayed bool     // it is about the delayed playlist
	piece   string   // the segment below the folder of the stream; empty for a playlist
	folder  string   // the path of that
}

// indexName is the last element of the path of multivariant playlists.
const indexName = "index.m3u8"

// parseHLS takes the path of a request apart, and reports whether it is one for HLS.
func (h *Handler) parseHLS(r *http.Request) (t hlsTarget, ok bool) {
	folder, last := cutLast(r.URL.Path)
	for _, v := range h.variants {
		switch {
		case v.playlist == last:
			t.variant = v
		case v.delayed == last && h.config().HLS.Delay > 0:
			t.variant, t.delayed = v, true
		}
	}
	t.index = last == indexName
	if t.variant == nil && !t.index {
		if folder, t.piece, ok = cutPiece(r.URL.Path); !ok {
			return t, false
		}
	}
	app, name, _ := strings.Cut(strings.TrimPrefix(folder, "/"), "/")
	if app == "" || name == "" {
		return t, false
	}
	t.folder = folder + "/"
	t.key = hook.StreamKey{VHost: h.config().vhost(r), App: app, Name: name}
	if t.index {
		t.variant = h.variantOf(t.key)
		return t, t.variant != nil
	}
	return t, true
}

// variantOf returns the best variant of a live stream; nil if it has none. An index.m3u8 of what is not live may be a file.
func (h *Handler) variantOf(key hook.StreamKey) (best *variant) {
	st, ok := h.media.Stream(key)
	if !ok {
		return nil
	}
	for _, v := range h.variants {
		if v.serves(st) {
			best = v
		}
	}
	return best
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

// forwardedQuery is a query without the directives of HLS, as it may stand in an attribute of a playlist: a quote would end that.
func forwardedQuery(raw string) string {
	raw = strings.ReplaceAll(raw, `"`, "%22")
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
