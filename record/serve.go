package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/mp4"
	"github.com/sluice-media/sluice/media"
)

// Serves reports whether a request to a virtual host, hook.DefaultVHost if it is empty, is for something that ServeHTTP makes, and not for a
// file as it is.
func (l *Library) Serves(r *http.Request, vhost string) bool {
	return l.parse(r, vhost).form != nothing
}

// ServeHTTP is ServeVHost for the default virtual host.
func (l *Library) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.ServeVHost(w, r, hook.DefaultVHost)
}

// ServeVHost makes of recordings what is asked for. Nothing is written to the disk for it, and nobody is asked whether the client may have
// it: package web does that if the library is the Made of its FilesConfig.
//
//   - /record/live/cam?from=…&to=… is what was recorded of a stream in that time, over all its files: a playlist of HLS (RFC 8216) with
//     fragmented MP4. Without to it goes on while the stream is being recorded. With .m3u8 behind the name it is the same.
//   - /record/live/cam.mp4?from=…&to=… is the same as one MP4 file to download, without the gaps: from the key frame at or before its
//     beginning, at most about 15 hours. Its size is known, and ranges of it can be had.
//     Of these 64 are made at a time, and Config.DownloadsPerAddress for one client, whose address is the RemoteAddr of the request; more are
//     refused with 503.
//   - /record/live/cam.json?from=…&to=… says what there is: {"spans": [{"url", "start", "duration", "size", "growing"}]}, where
//     duration is in seconds, and size in bytes.
//   - /record/live/cam/2026-11-27/x.mp4.m3u8 is a playlist of one file.
//
// Times are seconds since 1970, RFC 3339, or local ones as in 2026-11-27T12:00:05; a playlist or file of at most 24 hours, a list of at
// most 31 days. Other parts of the query go on in the addresses that a playlist has, which is 4 MiB long at most. A file of less than a
// second that has no sound, as the last of a recording that has, is not in a playlist: players give up where a track is gone.
// For the same reason segments have silence where sound of AAC-LC or Opus is missing for half a second or more.
func (l *Library) ServeVHost(w http.ResponseWriter, r *http.Request, vhost string) {
	out, ok := w.(*docroot.Writer)
	if !ok {
		out = docroot.NewWriter(w, func(int) {})
	}
	if out.Header().Get("Cache-Control") == "" {
		out.Header().Set("Cache-Control", "no-cache")
	}
	a := l.parse(r, vhost)
	var err error
	switch a.form {
	case filePlaylist:
		err = l.servePlaylist(out, r, &a, []cut{{path: a.path}}, false)
	case fileHead, fileSegment:
		err = l.servePiece(out, r, &a)
	case timePlaylist, timeFile, timeList:
		err = l.serveTime(out, r, &a)
	default:
		err = os.ErrNotExist
	}
	if err != nil && r.Context().Err() == nil { // else the client has left
		l.refuse(out, r, err)
	}
}

// refuse answers what cannot be had.
func (l *Library) refuse(w http.ResponseWriter, r *http.Request, err error) {
	code, text := http.StatusInternalServerError, "the recording cannot be read"
	switch {
	case errors.Is(err, errTimeline), errors.Is(err, errNoTime), errors.Is(err, errLongTime):
		code, text = http.StatusBadRequest, err.Error()
	case errors.Is(err, errTooMany), errors.Is(err, mp4.ErrLong):
		code, text = http.StatusBadRequest, "that is too much at once: ask for less time"
	case errors.Is(err, mp4.ErrMixed):
		code, text = http.StatusConflict, "the codec changes in that time: ask for the time before and behind that on their own"
	case errors.Is(err, errBusy), errors.Is(err, errBusyAddress):
		w.Header().Set("Retry-After", "5")
		code, text = http.StatusServiceUnavailable, err.Error()
	case errors.Is(err, mp4.ErrEmpty), errors.Is(notFound(err), media.ErrStreamNotFound), errors.Is(err, ErrBadPath):
		code, text = http.StatusNotFound, "there is no such recording"
	case errors.Is(err, errNothingYet):
		code, text = http.StatusNotFound, err.Error()
	case errors.Is(err, mp4.ErrMalformed), errors.Is(err, mp4.ErrNoMovie), errors.Is(err, mp4.ErrNoTracks):
		code = http.StatusUnprocessableEntity
	default:
		l.log.Warn("a recording cannot be read", "path", r.URL.Path, "err", err)
	}
	http.Error(w, text, code)
}

// servePiece sends the initialization segment of a file, or a segment.
func (l *Library) servePiece(w *docroot.Writer, r *http.Request, a *ask) error {
	b, err := l.shelf.take(a.path)
	if err != nil {
		return err
	}
	defer l.shelf.giveBack(b)
	l.shelf.watch(b)
	head := w.Header()
	head.Set("Content-Type", "video/mp4")
	head.Set("ETag", b.tag(filepath.Base(r.URL.Path)))
	if a.form == fileHead {
		init := b.Init()
		docroot.SendMade(w, r, bytes.NewReader(init), b.key.modified)
		return nil
	}
	part, ok := b.Samples(a.part.first, a.part.end)
	if !ok || !isSegment(b, part) {
		return os.ErrNotExist
	}
	c, err := b.Segment(part, a.part.more)
	if err != nil {
		return err
	}
	docroot.SendMade(w, r, io.NewSectionReader(c, 0, c.Size()), b.key.modified)
	return nil
}

// isSegment reports whether a range is one of those that playlists name: not more than a client needs at once.
func isSegment(b *book, r mp4.Range) bool {
	n := 0
	for range b.Cut(r, playlistSegment) {
		if n++; n > 1 {
			return false
		}
	}
	return true
}

// tag is an entity tag of what is made of a file.
func (b *book) tag(what string) string {
	return `"` + strconv.FormatInt(b.key.modified.UnixNano(), 36) + "-" + strconv.FormatInt(b.key.size, 36) + "-" + what + `"`
}

// longestMade is how long a time is of which a playlist or a file is made.
const longestMade = 24 * time.Hour

var errLongTime = errors.New("record: the time asked for lasts over 24 hours")

// serveTime sends what there is of a stream in a time.
func (l *Library) serveTime(w *docroot.Writer, r *http.Request, a *ask) error {
	from, to, err := parseTimes(a.from, a.to)
	if err != nil {
		return err
	}
	open := a.to == ""
	if open && to.Sub(from) > longestMade && a.form == timePlaylist { // it cannot go on for ever
		open, to = false, from.Add(longestMade)
	}
	if a.form != timeList && to.Sub(from) > longestMade {
		return errLongTime
	}
	var spans []Span
	err = l.alone(r.Context(), func(ctx context.Context) (err error) {
		spans, err = l.Timeline(ctx, a.key, from, to)
		return err
	})
	if err != nil {
		return err
	}
	if a.form == timeList {
		return l.serveList(w, a, spans)
	}
	var cuts []cut
	for i, s := range spans {
		cuts = append(cuts, cut{
			path: s.Path, from: from.Sub(s.Start), to: to.Sub(s.Start), unfinished: s.Growing, growing: s.Growing && i == len(spans)-1,
		})
	}
	if len(cuts) == 0 {
		return os.ErrNotExist
	}
	if a.form == timeFile {
		return l.serveFile(w, r, a.key, from, cuts)
	}
	return l.servePlaylist(w, r, a, cuts, open)
}

// maxLists is how many times are looked through, and playlists made, at once. Others wait.
const maxLists = 8

// alone has something done that is one of few at once. Nothing in it waits for a client.
func (l *Library) alone(ctx context.Context, do func(context.Context) error) error {
	select {
	case l.lists <- struct{}{}:
		defer func() { <-l.lists }()
		return do(ctx)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// parseTimes reads a beginning, and an end, which is now if it is not said.
func parseTimes(from, to string) (begin, end time.Time, err error) {
	end = time.Now()
	if to != "" {
		if end, err = parseTime(to); err != nil {
			return begin, end, err
		}
	}
	begin, err = parseTime(from)
	return begin, end, err
}

// spanInfo is a Span as it is told.
type spanInfo struct {
	URL      string    `json:"url"`
	Start    time.Time `json:"start"`
	Duration float64   `json:"duration"` // seconds
	Size     int64     `json:"size"`
	Growing  bool      `json:"growing"`
}

// serveList says what there is.
func (l *Library) serveList(w http.ResponseWriter, a *ask, spans []Span) error {
	list := []spanInfo{}
	for _, s := range spans {
		list = append(list, spanInfo{a.address(l.urlOf(s.Path, a.key.VHost)), s.Start, s.Duration.Seconds(), s.Size, s.Growing})
	}
	text, err := json.Marshal(map[string]any{"spans": list})
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(text) // the client may have left
	return nil
}

// urlOf returns the path of the URL of a file of a virtual host.
func (l *Library) urlOf(file, vhost string) string {
	top, _ := l.top(vhost)
	rel, err := filepath.Rel(top, file)
	if err != nil {
		return ""
	}
	return "/" + l.app + "/" + filepath.ToSlash(rel)
}
