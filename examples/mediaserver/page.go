package main

import (
	"cmp"
	"embed"
	"encoding/json"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/fmp4"
	"github.com/sluice-media/sluice/internal/mpegts"
	"github.com/sluice-media/sluice/internal/rfc6381"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

//go:embed page
var pageFiles embed.FS

// page serves the page that lists and plays the live streams, and files where it has none.
func (s *server) page() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		return http.NotFoundHandler() // it cannot be: the folder is embedded
	}
	mux.Handle("GET /", secure(http.FileServerFS(files)))
	mux.Handle("GET /streams.json", s.listed(http.HandlerFunc(s.listStreams)))
	mux.HandleFunc("GET /picture", func(w http.ResponseWriter, r *http.Request) {
		s.api.Protect(http.HandlerFunc(s.picture)).ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /server.json", s.describe)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.Handle("GET /healthz", api.Health(s.media))
	return s.serveRest(mux, func(path string) bool {
		switch path {
		case "/streams.json", "/picture", "/server.json", "/metrics", "/healthz":
			return true
		}
		return s.store.Config().Bool("http.page") && isPage(files, path)
	})
}

// isPage reports whether a path is that of a file of the page, or of a folder with an index.
func isPage(files fs.FS, path string) bool {
	name := strings.Trim(path, "/")
	if path == "/" {
		name = "."
	}
	info, err := fs.Stat(files, name)
	if err == nil && info.IsDir() {
		info, err = fs.Stat(files, strings.TrimPrefix(name+"/index.html", "./"))
	}
	return err == nil && info.Mode().IsRegular()
}

// mayCall is the header by which the list of streams tells who may call the API, so that the page offers nobody else what takes calls.
const mayCall = "Sluice-May-Call"

// listed lets through to the list of streams who may call the API, or everybody if that is configured: names of streams
// are what a viewer needs to watch them.
func (s *server) listed(list http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.api.Admits(r) {
			w.Header().Set(mayCall, "yes")
		}
		if s.store.Config().Bool("http.publicStreams") {
			list.ServeHTTP(w, r)
			return
		}
		s.api.Protect(list).ServeHTTP(w, r)
	})
}

// secure lets the page load nothing from anywhere else.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self' ws: wss:; worker-src blob:")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// pageStream is a stream as the page shows it.
type pageStream struct {
	VHost       string            `json:"vhost"`
	App         string            `json:"app"`
	Stream      string            `json:"stream"`
	URLs        map[string]string `json:"urls"`
	Readers     int               `json:"readers"`
	BytesSpeed  int64             `json:"bytesSpeed"` // bytes a second
	AliveSecond int64             `json:"aliveSecond"`
	Recording   bool              `json:"recording"` // as MP4
	Tracks      []pageTrack       `json:"tracks"`
}

type pageTrack struct {
	Codec  string  `json:"codec"` // as the API calls it
	MIME   string  `json:"mime"`  // as browsers do (RFC 6381)
	Video  bool    `json:"video"`
	Width  int     `json:"width"`
	Height int     `json:"height"`
	FPS    float64 `json:"fps"`
}

func (s *server) listStreams(w http.ResponseWriter, r *http.Request) {
	list := []pageStream{}
	for st := range s.media.Streams() {
		src := st.Source("rtmp")
		p := pageStream{
			VHost: st.Key().VHost, App: st.Key().App, Stream: st.Key().Name, URLs: s.urls(r, st),
			Readers: src.TotalReaders, BytesSpeed: src.BytesSpeed, AliveSecond: int64(src.Alive.Seconds()),
			Recording: s.recorder.Recording(st.Key(), record.MP4), Tracks: []pageTrack{},
		}
		for _, t := range st.Stats().Tracks {
			c := t.Track.Codec
			p.Tracks = append(p.Tracks, pageTrack{
				c.String(), rfc6381.Name(t.Track), c.Video(), t.Track.Width, t.Track.Height, t.FPS,
			})
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b pageStream) int {
		return cmp.Or(strings.Compare(a.VHost, b.VHost), strings.Compare(a.App, b.App), strings.Compare(a.Stream, b.Stream))
	})
	writeJSON(w, list)
}

// describe says where to publish, and where recordings are.
func (s *server) describe(w http.ResponseWriter, r *http.Request) {
	reply := struct {
		Publish    string `json:"publish"`
		Recordings string `json:"recordings"` // their app
	}{Recordings: s.cfg.String("record.appName")}
	for _, l := range s.listeners {
		if l.scheme == "rtmp" {
			reply.Publish = "rtmp://" + l.seenFrom(r) + "/live/test"
		}
	}
	writeJSON(w, reply)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// form is one in which HTTP and WebSocket serve a stream.
type form struct {
	http, ws string // what the page calls it; empty where there is none
	schema   string
	suffix   string
}

func forms() []form {
	return []form{
		{"HTTP-FLV", "WS-FLV", "rtmp", ".live.flv"},
		{"HTTP-TS", "WS-TS", "ts", ".live.ts"},
		{"HTTP-fMP4", "WS-fMP4", "fmp4", ".live.mp4"},
		{"HLS", "", "hls", "/hls.m3u8"},
		{"LL-HLS", "", "hls.fmp4", "/hls.fmp4.m3u8"},
	}
}

// served reports whether a stream can be watched in a schema.
func served(st *media.Stream, schema string) bool {
	o, carries := st.Options(), mpegts.Carries
	on := o.EnableHLS
	switch schema {
	case "hls": // streams are listed in these two from their first segment on, but can be watched before
	case "hls.fmp4":
		on, carries = o.EnableHLSFMP4, fmp4.Carries
	default:
		return slices.Contains(st.Schemas(), schema)
	}
	return (on == nil || *on) && slices.ContainsFunc(st.Description().Tracks, carries)
}

// urls are those a stream can be watched at, for the host by which the client has come.
func (s *server) urls(r *http.Request, st *media.Stream) map[string]string {
	query := url.Values{}
	if v := st.Key().VHost; v != hook.DefaultVHost {
		query.Set("vhost", v)
	}
	path := "/" + st.Key().App + "/" + st.Key().Name
	all := map[string]string{}
	add := func(name, schema, scheme, host, path string) {
		if name != "" && served(st, schema) {
			u := url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: query.Encode()}
			all[name] = u.String()
		}
	}
	secure := ""
	if r.TLS != nil {
		secure = "s"
	}
	for _, f := range forms() {
		add(f.http, f.schema, "http"+secure, r.Host, path+f.suffix)
		add(f.ws, f.schema, "ws"+secure, r.Host, path+f.suffix)
	}
	for _, l := range s.listeners {
		switch l.scheme {
		case "rtmp", "rtmps":
			add(strings.ToUpper(l.scheme), "rtmp", l.scheme, l.seenFrom(r), path)
		case "rtsp", "rtsps":
			add(strings.ToUpper(l.scheme), "rtsp", l.scheme, l.seenFrom(r), path)
		}
	}
	return all
}

// seenFrom is the address of the listener for a client: the host by which it has come, the port of l.
func (l listener) seenFrom(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = strings.Trim(r.Host, "[]") // without a port
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return r.Host
	}
	return net.JoinHostPort(host, port)
}
