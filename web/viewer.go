package web

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/hls"
	"github.com/sluice-media/sluice/media"
)

const (
	// viewerTime is how long a viewer of HLS counts as one after its last request.
	viewerTime = 60 * time.Second
	// lingerTime is how long segments are made when the last viewer has gone.
	lingerTime = 10 * time.Second
	// sameAfter is how long after its last playlist a client without a cookie is taken for the same viewer when it asks
	// again: one that asks at once is another.
	sameAfter = 150 * time.Millisecond
	// maxViewers bounds the viewers of HLS.
	maxViewers = 100_000

	cookieName = "ZLM_HTTP_COOKIE"
)

// viewer is a session without a connection: somebody who watches by HLS.
type viewer struct {
	cookie  string
	place   place
	variant *variant
	entry   *media.Session
	player  *media.Player
	live    *hls.Live
	release func()
	timer   *time.Timer

	confirmed atomic.Bool // it has shown its cookie
	asked     time.Time   // for a playlist; guarded by the mutex of viewers
}

// place is what viewers without cookies are known by.
type place struct {
	key    hook.StreamKey
	schema string
	addr   netip.Addr
	query  string
}

// viewers are those of a handler.
type viewers struct {
	mu       sync.Mutex
	byCookie elastic.Map[string, *viewer]
	byPlace  map[place][]*viewer
}

// find returns the viewer that asks for a segment, or nil.
func (l *viewers) find(r *http.Request, t hlsTarget, addr netip.Addr) *viewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	if v := l.ofCookie(r, t.key); v != nil {
		return v
	}
	for _, schema := range []string{"hls", "hls.fmp4"} {
		if list := l.byPlace[place{t.key, schema, addr, r.URL.RawQuery}]; len(list) > 0 {
			return list[0]
		}
	}
	return nil
}

// ofCookie returns the viewer whose cookie a request has. l.mu is held.
func (l *viewers) ofCookie(r *http.Request, key hook.StreamKey) *viewer {
	for _, c := range r.CookiesNamed(cookieName) {
		if v := l.byCookie.Get(c.Value); v != nil && v.place.key == key {
			v.confirmed.Store(true)
			v.timer.Reset(viewerTime)
			return v
		}
	}
	return nil
}

// again returns the viewer that asks for a playlist once more, or nil for a new one.
func (l *viewers) again(r *http.Request, p place, now time.Time) *viewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.ofCookie(r, p.key)
	if v == nil || v.place.schema != p.schema {
		v = nil
		for _, x := range l.byPlace[p] { // the one that has waited longest
			if !x.confirmed.Load() && now.Sub(x.asked) > sameAfter && (v == nil || x.asked.Before(v.asked)) {
				v = x
			}
		}
	}
	if v != nil {
		v.asked = now
		v.timer.Reset(viewerTime)
	}
	return v
}

// add enters a viewer, if there is room.
func (l *viewers) add(v *viewer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCookie.Len() >= maxViewers {
		return false
	}
	l.byCookie.Set(v.cookie, v)
	if l.byPlace == nil {
		l.byPlace = map[place][]*viewer{}
	}
	l.byPlace[v.place] = append(l.byPlace[v.place], v)
	return true
}

// remove takes a viewer out, and reports whether it was there.
func (l *viewers) remove(v *viewer) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCookie.Get(v.cookie) != v {
		return false
	}
	l.byCookie.Delete(v.cookie)
	list := l.byPlace[v.place]
	for i, x := range list {
		if x == v {
			list = append(list[:i:i], list[i+1:]...)
		}
	}
	if len(list) == 0 {
		delete(l.byPlace, v.place)
	} else {
		l.byPlace[v.place] = list
	}
	return true
}

// all returns those there are.
func (l *viewers) all() (list []*viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, v := range l.byCookie.All() {
		list = append(list, v)
	}
	return list
}

// viewer returns the viewer that asks for a playlist: a known one, or a new one that may play.
func (h *Handler) viewer(ctx context.Context, r *http.Request, t hlsTarget) (*viewer, error) {
	query := forwardedQuery(r.URL.RawQuery)
	p := place{t.key, t.variant.schema, h.config().remote(r).Addr(), query}
	if v := h.viewers.again(r, p, time.Now()); v != nil {
		return v, nil
	}
	v := &viewer{place: p, variant: t.variant, cookie: newCookie(), asked: time.Now()}
	v.timer = time.AfterFunc(viewerTime, func() { h.dismiss(v, nil) })
	v.entry = h.newHLSSession(r, v, func(cause error) { h.dismiss(v, cause) })
	if err := h.admitViewer(ctx, v); err != nil {
		v.timer.Stop()
		h.logRefusal(target{key: t.key}, v.entry, err)
		v.entry.Close()
		return nil, err
	}
	ends(h, r)
	return v, nil
}

// admitViewer lets a viewer play, and enters it.
func (h *Handler) admitViewer(ctx context.Context, v *viewer) (err error) {
	v.player, err = h.media.Play(ctx, media.PlayRequest{
		Stream: v.place.key, Session: v.entry, Schema: v.place.schema, Params: v.place.query,
	})
	if err != nil {
		return err
	}
	cfg := v.variant.config(h.config().HLS.withDefaults())
	st := v.player.Stream()
	v.live, v.release, err = media.Share(ctx, st, hlsKey{v.variant, cfg}, lingerTime, func(ctx context.Context) (*hls.Live, error) {
		return hls.Open(ctx, st, v.variant.format, cfg)
	})
	if err != nil {
		v.player.Close(err)
		return err
	}
	err = h.enterViewer(v)
	if err == nil {
		if err = v.entry.Err(); err != nil && !h.viewers.remove(v) {
			return err // whoever has kicked it has ended it
		}
	}
	if err != nil {
		v.release()
		v.player.Close(err)
	}
	return err
}

// enterViewer enters a viewer, unless the handler ends or has too many.
func (h *Handler) enterViewer(v *viewer) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closing:
		return media.ErrServerClosed
	case !h.viewers.add(v):
		return errTooMany
	}
	return nil
}

// errTooMany says that there is no room for another viewer.
var errTooMany = errors.New("web: too many viewers by HLS")

// hlsKey is what the viewers of a stream share its segments by.
type hlsKey struct {
	variant *variant
	cfg     hls.Config
}

// dismiss ends a viewer.
func (h *Handler) dismiss(v *viewer, cause error) {
	v.timer.Stop()
	if !h.viewers.remove(v) {
		return
	}
	v.player.Close(cause)
	v.release()
	h.logEnd(v.entry, v.player, cause)
	v.entry.Close()
}

func newCookie() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// setCookie gives the viewer its cookie, for the folder of the stream.
func (v *viewer) setCookie(head http.Header, folder string) {
	until := time.Now().Add(viewerTime).UTC().Format(http.TimeFormat)
	head.Add("Set-Cookie", cookieName+"="+v.cookie+";expires="+until+";path="+folder)
}

// write writes a reply and counts it.
func (v *viewer) write(w http.ResponseWriter, pieces [][]byte) {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	w.Header().Set("Content-Length", strconv.Itoa(size))
	for _, p := range pieces {
		n, err := w.Write(p)
		v.entry.Sent(n)
		if err != nil {
			return // the client has left
		}
	}
}
