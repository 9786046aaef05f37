package record

import (
	"net/http"
	"net/url"
	"path"
	"path/filepath"
	"strings"

	"github.com/sluice-media/sluice/media"
)

// ask is a request for what is made of recordings.
type ask struct {
	form  form
	dir   string // of the URL: addresses in an answer are relative to it
	query string // what of the query goes on in these addresses, such as a token

	// Of a file:
	path string // where it is
	url  string // the path of its URL
	part segmentName

	// Of a time:
	key      media.StreamKey
	from, to string
}

// form is what is made.
type form int

const (
	nothing form = iota
	filePlaylist
	fileHead
	fileSegment
	timePlaylist
	timeFile
	timeList
)

const (
	// headName is what the initialization segment of a file is called, below the file.
	headName = "head.mp4"
	// playlistSuffix follows the name of a file, or of a stream.
	playlistSuffix = ".m3u8"
)

// parse takes a request to a virtual host apart. What is none for here has no form.
func (l *Library) parse(r *http.Request, vhost string) (a ask) {
	rest, ok := strings.CutPrefix(r.URL.Path, "/"+l.app+"/")
	top, known := l.top(vhost)
	if !ok || !known || !isVisible(rest) || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return a
	}
	query := r.URL.Query()
	a.dir = path.Dir(r.URL.Path) + "/"
	if query.Has("from") && !isDay(path.Base(path.Dir(rest))) { // below a day are files, whatever the query says
		a.key.VHost = vhost
		a.parseTime(rest, query)
	} else {
		a.parseFile(rest)
		a.path = filepath.Join(top, filepath.FromSlash(a.url))
		a.url = "/" + l.app + "/" + a.url
	}
	for _, own := range []string{"from", "to"} {
		query.Del(own)
	}
	a.query = query.Encode()
	return a
}

// parseTime reads what asks for a time of a stream.
func (a *ask) parseTime(rest string, query url.Values) {
	name, form := rest, timePlaylist
	switch ext := path.Ext(rest); ext {
	case playlistSuffix:
		name = strings.TrimSuffix(rest, playlistSuffix)
	case ".mp4":
		name, form = strings.TrimSuffix(rest, ".mp4"), timeFile
	case ".json":
		name, form = strings.TrimSuffix(rest, ".json"), timeList
	default:
		// A dot may be part of the name, or it is a file that somebody asks for with a query of his own.
		if _, err := parseTime(query.Get("from")); ext != "" && err != nil {
			return
		}
	}
	if strings.HasSuffix(name, ".live") && form == timeFile || strings.HasSuffix(name, ".live.flv") || strings.HasSuffix(name, ".live.ts") {
		return // that is for players
	}
	app, stream, ok := strings.Cut(name, "/")
	if !ok {
		return
	}
	a.form, a.from, a.to = form, query.Get("from"), query.Get("to")
	a.key = media.StreamKey{VHost: a.key.VHost, App: app, Name: stream}.Canonical()
}

// parseFile reads what asks for a part of a file.
func (a *ask) parseFile(rest string) {
	if name, ok := strings.CutSuffix(rest, ".mp4"+playlistSuffix); ok {
		a.form, a.url = filePlaylist, name+".mp4"
		return
	}
	name, piece := path.Split(rest)
	var ok bool
	if a.url = strings.TrimSuffix(name, "/"); !strings.HasSuffix(a.url, ".mp4") {
		return
	}
	if piece == headName {
		a.form = fileHead
		return
	}
	if a.part, ok = parseSegment(piece); ok {
		a.form = fileSegment
	}
}

// address returns the address of what is below a path of a URL, as it is written in an answer.
func (a *ask) address(of string) string {
	if below, ok := strings.CutPrefix(of, a.dir); ok {
		of = below
	}
	return (&url.URL{Path: of, RawQuery: a.query}).String()
}
