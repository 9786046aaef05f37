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
	"github.com/sluice-media/sluice/media"
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
	mux.HandleFunc("GET /server.json", s.describe)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.Handle("GET /healthz", api.Health(s.media))
	return s.serveRest(mux, func(path string) bool {
		switch path {
		case "/streams.json", "/server.json", "/metrics", "/healthz":
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

// listed lets through to the list of streams who may call the API, or everybody if that is configured: names of streams
// are what a viewer needs to watch them.
func (s *server) listed(list http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
	Tracks      []pageTrack       `json:"tracks"`
}

type pageTrack struct {
	Codec  string  `json:"codec"`
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
			Readers: src.TotalReaders, BytesSpeed: src.BytesSpeed, AliveSecond: int64(src.Alive.Seconds()), Tracks: []pageTrack{},
		}
		for _, t := range src.Tracks {
			p.Tracks = append(p.Tracks, pageTrack{t.Codec, t.Width, t.Height, t.FPS})
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b pageStream) int {
		return cmp.Or(strings.Compare(a.VHost, b.VHost), strings.Compare(a.App, b.App), strings.Compare(a.Stream, b.Stream))
	})
	writeJSON(w, list)
}

// describe says where to publish.
func (s *server) describe(w http.ResponseWriter, r *http.Request) {
	reply := struct {
		Publish string `json:"publish"`
	}{}
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

// urls are those a stream can be watched at, for the host by which the client has come.
func (s *server) urls(r *http.Request, st *media.Stream) map[string]string {
	query := url.Values{}
	if v := st.Key().VHost; v != hook.DefaultVHost {
		query.Set("vhost", v)
	}
	path := "/" + st.Key().App + "/" + st.Key().Name
	all := map[string]string{}
	add := func(name, scheme, host, path string) {
		u := url.URL{Scheme: scheme, Host: host, Path: path, RawQuery: query.Encode()}
		all[name] = u.String()
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	add("HTTP-FLV", scheme, r.Host, path+".live.flv")
	add("WS-FLV", strings.Replace(scheme, "http", "ws", 1), r.Host, path+".live.flv")
	for _, l := range s.listeners {
		switch l.scheme {
		case "rtmp", "rtmps", "rtsp", "rtsps":
			add(strings.ToUpper(l.scheme), l.scheme, l.seenFrom(r), path)
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
