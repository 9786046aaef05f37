package hlscheck

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Watcher is a client that looks at everything.
type Watcher struct {
	// Client sends the requests. It needs a jar if the server gives cookies.
	Client *http.Client
	// URL is that of a media playlist.
	URL string
	// Every is how often the playlist is asked for, where reloads are not waited for.
	Every time.Duration
	// Blocking asks by _HLS_msn and _HLS_part where the server can wait; Delta by _HLS_skip too.
	Blocking, Delta bool

	// What was seen.
	Versions, Segments, Parts, Hints, Maps, Deltas, Breaks, Left int
	// Slowest is how long the slowest reply took that was not to be waited for.
	Slowest time.Duration

	asked   bool // for what is to come:
	segment uint64
	number  int // of the part
	history History
	base    *url.URL
	got     map[string][]byte    // what was listed in the last version, by its URI
	begun   time.Time            // when this version was asked for: it is no older
	before  time.Time            // when the last one was
	left    map[string]time.Time // the earliest that it can have left
	hints   map[string]*hinted
	maps    map[string]bool
	media   timeline
}

// hinted is what was asked for before it was listed.
type hinted struct {
	done chan struct{}
	data []byte
	err  error
}

// Run watches until the playlist has ended or ctx does, and returns what was wrong.
func (w *Watcher) Run(ctx context.Context) (problems []string, err error) {
	if w.base, err = url.Parse(w.URL); err != nil {
		return nil, err
	}
	w.got, w.left = map[string][]byte{}, map[string]time.Time{}
	w.hints, w.maps = map[string]*hinted{}, map[string]bool{}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		cancel()
		for _, hint := range w.hints {
			<-hint.done
		}
		problems = w.history.Problems
	}()
	ends := 0
	for ctx.Err() == nil && ends < 3 { // what has ended is looked at once more
		text, err := w.reload(inner)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return nil, err
		}
		p := w.history.Take(text)
		if p == nil {
			return nil, nil
		}
		w.Versions++
		w.keeps(p)
		if strings.Contains(text, "#EXT-X-SKIP:") {
			w.Deltas++
		}
		w.look(inner, p)
		w.leave(inner, p)
		if p.Ended {
			ends++
		}
		if w.waits(p) {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(w.Every):
		}
	}
	return nil, nil
}

// waits reports whether the next reload is one that the server answers when there is something new.
func (w *Watcher) waits(p *Playlist) bool {
	return p != nil && w.Blocking && !p.Ended && p.Control["CAN-BLOCK-RELOAD"] == "YES"
}

// reload gets the next version.
func (w *Watcher) reload(ctx context.Context) (string, error) {
	u, last := *w.base, w.history.last
	query := u.Query()
	w.asked = w.waits(last)
	if w.asked {
		w.segment, w.number = last.Next()
		query.Set("_HLS_msn", fmt.Sprint(w.segment))
		query.Set("_HLS_part", fmt.Sprint(w.number))
	}
	if last != nil && w.Delta && last.Control["CAN-SKIP-UNTIL"] != "" {
		query.Set("_HLS_skip", "YES")
	}
	u.RawQuery = query.Encode()
	w.before, w.begun = w.begun, time.Now()
	data, err := w.get(ctx, u.String())
	if !w.waits(last) {
		w.Slowest = max(w.Slowest, time.Since(w.begun))
	}
	return string(data), err
}

// keeps complains of a playlist that has not what was waited for (6.2.5.2). A part behind the last of its segment is the first of
// the next.
func (w *Watcher) keeps(p *Playlist) {
	if !w.asked || p.Ended || w.segment < p.Sequence {
		return
	}
	part := w.number
	for i := int(w.segment - p.Sequence); i < len(p.Segments); i++ {
		s := &p.Segments[i]
		if part < len(s.Parts) || s.URI != "" && len(s.Parts) == 0 {
			return
		}
		if s.URI != "" {
			part = 0
		}
	}
	w.history.complain("it was asked for with segment %d, part %d, and has it not", w.segment, w.number)
}

// get gets something, which is relative to the playlist.
func (w *Watcher) get(ctx context.Context, uri string) ([]byte, error) {
	ref, err := url.Parse(uri)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base.ResolveReference(ref).String(), nil)
	if err != nil {
		return nil, err
	}
	reply, err := w.Client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = reply.Body.Close() }() // it has been read
	data, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", uri, reply.Status)
	}
	return data, err
}

// look gets what is new in a version.
func (w *Watcher) look(ctx context.Context, p *Playlist) {
	if p.Hint != "" && w.Blocking {
		w.await(ctx, p.Hint)
	}
	for i := range p.Segments {
		s := &p.Segments[i]
		if s.Map != "" {
			w.init(ctx, s.Map)
		}
		for _, part := range s.Parts {
			w.part(ctx, part, s)
		}
		if s.URI == "" || w.got[s.URI] != nil {
			continue
		}
		data := w.listed(ctx, s.URI)
		w.Segments++
		if s.Discontinuity {
			w.Breaks++
		}
		w.whole(s, data)
		for _, err := range w.media.segment(s, data) {
			w.history.complain("%s: %v", s.URI, err)
		}
	}
}

// await asks for a part that is to come.
func (w *Watcher) await(ctx context.Context, uri string) {
	if w.hints[uri] != nil || w.got[uri] != nil {
		return
	}
	hint := &hinted{done: make(chan struct{})}
	w.hints[uri] = hint
	w.Hints++
	go func() {
		defer close(hint.done)
		hint.data, hint.err = w.get(ctx, uri)
	}()
}

// listed gets what is listed, once, unless it was asked for before.
func (w *Watcher) listed(ctx context.Context, uri string) []byte {
	if data := w.got[uri]; data != nil {
		return data
	}
	data, err := w.get(ctx, uri)
	if err != nil && ctx.Err() == nil {
		w.history.complain("it is listed, and cannot be had: %v", err)
	}
	if err == nil && len(data) == 0 {
		w.history.complain("%q is empty", uri)
	}
	w.got[uri] = append([]byte{}, data...)
	return data
}

func (w *Watcher) init(ctx context.Context, uri string) {
	if w.got[uri] != nil {
		return
	}
	w.Maps++
	if err := w.media.init(uri, w.listed(ctx, uri)); err != nil && ctx.Err() == nil {
		w.history.complain("%s: %v", uri, err)
	}
}

// part gets a part, and holds what was got before it was listed to it.
func (w *Watcher) part(ctx context.Context, part Part, s *Segment) {
	if w.got[part.URI] != nil {
		return
	}
	w.Parts++
	data := w.listed(ctx, part.URI)
	if hint := w.hints[part.URI]; hint != nil {
		<-hint.done
		if hint.err != nil || string(hint.data) != string(data) {
			w.history.complain("%q was had before it was listed: %d bytes, %v; and it has %d", part.URI, len(hint.data), hint.err, len(data))
		}
		delete(w.hints, part.URI)
	}
	if err := w.media.part(part, s.Map, data); err != nil && ctx.Err() == nil {
		w.history.complain("%s: %v", part.URI, err)
	}
}

// whole holds a segment to its parts.
func (w *Watcher) whole(s *Segment, data []byte) {
	if len(s.Parts) == 0 {
		return
	}
	var parts []byte
	for _, part := range s.Parts {
		parts = append(parts, w.got[part.URI]...)
	}
	if string(parts) != string(data) {
		w.history.complain("%q has %d bytes, which are not those %d of its parts", s.URI, len(data), len(parts))
	}
}

// leave asks once more for what has left the playlist a target duration ago (6.2.2), and forgets hints that have not come.
func (w *Watcher) leave(ctx context.Context, p *Playlist) {
	listed := map[string]bool{}
	for _, uri := range p.URIs() {
		listed[uri] = true
	}
	for uri := range w.got {
		if !listed[uri] && w.left[uri].IsZero() {
			w.left[uri] = w.before
		}
	}
	for uri, since := range w.left {
		if listed[uri] { // of an initialization segment, which is in force again
			delete(w.left, uri)
			continue
		}
		// Some time before it is up, and not when this client has been too slow.
		waited := time.Since(since)
		if waited < p.Target*6/10 {
			continue
		}
		if waited < p.Target*9/10 {
			w.Left++
			if _, err := w.get(ctx, uri); err != nil && ctx.Err() == nil && time.Since(since) < p.Target {
				w.history.complain("it has left %v ago, and cannot be had: %v", waited, err)
			}
		}
		delete(w.left, uri)
		delete(w.got, uri)
	}
	for uri, hint := range w.hints {
		select {
		case <-hint.done:
			if hint.err != nil && uri != p.Hint && !p.Ended && ctx.Err() == nil {
				w.history.complain("it was said to come: %v", hint.err)
			}
			if uri != p.Hint && hint.err != nil {
				delete(w.hints, uri)
			}
		default:
		}
	}
}
