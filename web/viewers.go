package web

import (
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/elastic"
)

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
	byPlace  elastic.Map[place, []*viewer]
}

// find returns the viewer that asks for a segment, or nil.
func (l *viewers) find(r *http.Request, t hlsTarget, addr netip.Addr, all []*variant) *viewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, variant := range all {
		if !variant.holds(t.piece) {
			continue
		}
		if v := l.ofCookie(r, t.key, variant.schema); v != nil {
			return v
		}
		if list := l.byPlace.Get(place{t.key, variant.schema, addr, r.URL.RawQuery}); len(list) > 0 {
			return list[0]
		}
	}
	return nil
}

// ofCookie returns the viewer whose cookie a request has. l.mu is held.
func (l *viewers) ofCookie(r *http.Request, key hook.StreamKey, schema string) *viewer {
	for _, c := range r.CookiesNamed(cookieName) {
		if v := l.byCookie.Get(c.Value); v != nil && v.place.key == key && v.place.schema == schema {
			v.confirmed.Store(true)
			v.goesOn()
			return v
		}
	}
	return nil
}

// again returns the viewer that asks for a playlist once more, or nil for a new one.
func (l *viewers) again(r *http.Request, p place, now time.Time) *viewer {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.ofCookie(r, p.key, p.schema)
	if v == nil {
		for _, x := range l.byPlace.Get(p) { // the one that has waited longest
			if !x.confirmed.Load() && now.Sub(x.asked) > sameAfter && (v == nil || x.asked.Before(v.asked)) {
				v = x
			}
		}
	}
	if v != nil {
		v.asked = now
		v.goesOn()
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
	l.byPlace.Set(v.place, append(l.byPlace.Get(v.place), v))
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
	list := slices.DeleteFunc(l.byPlace.Get(v.place), func(x *viewer) bool { return x == v })
	if len(list) == 0 {
		l.byPlace.Delete(v.place)
	} else {
		l.byPlace.Set(v.place, list)
	}
	return true
}

// all returns those there are.
func (l *viewers) all() (list []*viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for v := range l.byCookie.Values() {
		list = append(list, v)
	}
	return list
}
