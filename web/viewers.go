package web

import (
	"container/list"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/elastic"
)

const (
	// sameAfter is how long after its last playlist a client without a cookie is taken for the same viewer at the earliest when it asks
	// again by another connection: one that asks at once is another.
	sameAfter = 150 * time.Millisecond
	// maxViewers bounds the viewers by HLS, maxDenials the refusals that are remembered, and maxText the queries of both in
	// bytes: anybody may have as many as there is room for.
	maxViewers = 100_000
	maxDenials = 10_000
	maxText    = 16 << 20
	// maxViewersEach, maxDenialsEach and maxTextEach bound those of one address (of a /64 by IPv6), so that it leaves room for others.
	maxViewersEach = 10_000
	maxDenialsEach = 1000
	maxTextEach    = 4 << 20
)

// usage is what one address has of the room there is.
type usage struct{ viewers, denials, text int }

// place is what viewers without cookies are known by.
type place struct {
	key    hook.StreamKey
	schema string
	addr   netip.Addr
	query  string
}

// ticket is what viewers with cookies are known by. Who watches a stream in two forms has the same cookie for both: browsers keep
// one of a name and path.
type ticket struct{ cookie, schema string }

// crowd is who is in a place and has not shown a cookie, in the order in which they asked for a playlist.
type crowd struct {
	watching list.List                            // of *viewer
	ended    list.List                            // of those that may not watch any more
	known    list.List                            // of those of them that keep their connections, and are known by these alone
	wires    elastic.Map[netip.AddrPort, *viewer] // by their connections
}

func (c *crowd) empty() bool { return c.watching.Len()+c.ended.Len()+c.known.Len() == 0 }

// denial is a refusal that is remembered, until forget runs.
type denial struct {
	err    error
	forget *time.Timer
}

// viewers are those of a handler, also those that may not watch any more, for as long as they are remembered.
type viewers struct {
	mu       sync.Mutex
	byCookie elastic.Map[ticket, *viewer]
	crowds   elastic.Map[place, *crowd]
	denials  elastic.Map[place, denial]
	text     int                            // bytes of their queries
	byOwner  elastic.Map[netip.Addr, usage] // by what counts as one address
}

// find returns the viewer that asks for a segment, or nil.
func (l *viewers) find(r *http.Request, t hlsTarget, addr netip.Addr, by netip.AddrPort, all []*variant) *viewer {
	cookies := cookiesOf(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, variant := range all {
		if !variant.holds(t.piece) {
			continue
		}
		v := l.ofCookie(cookies, t.key, variant.schema)
		if c := l.crowds.Get(place{t.key, variant.schema, addr, r.URL.RawQuery}); v == nil && c != nil {
			if v = c.wires.Get(by); v == nil {
				v = viewerAt(c.watching.Back()) // the one that has just got the playlist
			}
		}
		if v != nil && v.refusal == nil {
			v.goesOn()
			return v
		}
	}
	return nil
}

// ofCookie returns the viewer who has one of the cookies of a request. Who shows it leaves the crowd. l.mu is held.
func (l *viewers) ofCookie(cookies []string, key hook.StreamKey, schema string) *viewer {
	for _, c := range cookies {
		if v := l.byCookie.Get(ticket{c, schema}); v != nil && v.place.key == key {
			v.confirmed.Store(true)
			l.leaveCrowd(v)
			return v
		}
	}
	return nil
}

// cookieFor returns the cookie of a new viewer: the one by which its client watches the stream in another form, if it does, or one that is
// given to it.
func (l *viewers) cookieFor(r *http.Request, key hook.StreamKey, all []*variant) (cookie string, given bool) {
	cookies := cookiesOf(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	if cookie = l.cookieOf(cookies, key, all); cookie != "" {
		return cookie, false
	}
	return newCookie(), true
}

// cookieOf returns the one of a request's cookies that a viewer of a stream has in some form; empty if there is none. l.mu is held.
func (l *viewers) cookieOf(cookies []string, key hook.StreamKey, all []*variant) string {
	for _, c := range cookies {
		for _, variant := range all {
			if v := l.byCookie.Get(ticket{c, variant.schema}); v != nil && v.place.key == key {
				return c
			}
		}
	}
	return ""
}

// adopt gives a viewer another cookie, unless that is empty or somebody has it in the viewer's form. l.mu is held.
func (l *viewers) adopt(v *viewer, cookie string) {
	if cookie == "" || l.byCookie.Get(ticket{cookie, v.place.schema}) != nil {
		return
	}
	l.byCookie.Delete(v.ticket())
	v.cookie = cookie
	l.byCookie.Set(v.ticket(), v)
}

// again returns the viewer that asks for a playlist once more, or nil for a new one. The error says why it may not watch.
func (l *viewers) again(r *http.Request, p place, a ask, all []*variant) (*viewer, error) {
	cookies := cookiesOf(r)
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.ofCookie(cookies, p.key, p.schema)
	if c := l.crowds.Get(p); v == nil && c != nil {
		if v = c.who(a); v != nil {
			l.adopt(v, l.cookieOf(cookies, p.key, all))
		}
	}
	if v == nil {
		return nil, l.denials.Get(p).err
	}
	if v.at == nil {
		v.asked = a.at
	} else {
		l.crowds.Get(v.place).note(v, a)
		v.in.MoveToBack(v.at)
	}
	if v.refusal != nil {
		return nil, v.refusal
	}
	v.goesOn()
	return v, nil
}

// expect says that the next that asks from the place of a viewer is the viewer: it has been told of its playlist.
func (l *viewers) expect(v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v.asked = time.Time{}
	for i := range v.wires {
		v.wires[i].asked = time.Time{}
	}
	if v.at != nil {
		v.in.MoveToFront(v.at)
	}
}

// sameClient is how far apart a client begins at most to watch a stream in two forms, for one that has asked for both before it got a cookie.
const sameClient = time.Second

// share gives a viewer that has come without a cookie the one of another who has just come from the same place, to watch in another form. It may
// be the same client, and would keep only the cookie that it gets last. l.mu is held.
func (l *viewers) share(v *viewer, at time.Time, all []*variant) {
	p := v.place
	for _, other := range all {
		p.schema = other.schema
		if c := l.crowds.Get(p); c != nil && p.schema != v.place.schema {
			x := viewerAt(c.watching.Back())
			if x != nil && !x.confirmed.Load() && at.Sub(x.asked) < sameClient && l.byCookie.Get(ticket{x.cookie, v.place.schema}) == nil {
				v.cookie = x.cookie
				return
			}
		}
	}
}

// add enters a viewer that asks for a playlist, if there is room.
func (l *viewers) add(v *viewer, a ask, all []*variant) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := l.byOwner.Get(connlimit.Owner(v.place.addr))
	if l.byCookie.Len() >= maxViewers || used.viewers >= maxViewersEach || !l.hasRoom(used, v.place) {
		return false
	}
	l.count(v.place, usage{viewers: 1})
	if v.given {
		l.share(v, a.at, all)
	}
	if l.byCookie.Get(v.ticket()) != nil { // another has come with it at the same time
		v.cookie = newCookie()
	}
	l.byCookie.Set(v.ticket(), v)
	c := l.crowds.Get(v.place)
	if c == nil {
		c = &crowd{}
		l.crowds.Set(v.place, c)
	}
	v.join(&c.watching)
	c.note(v, a)
	return true
}

// end takes out a viewer, and reports whether it was watching. One that has a refusal is remembered with it.
func (l *viewers) end(v *viewer, refusal error) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCookie.Get(v.ticket()) != v || v.refusal != nil {
		return false
	}
	if refusal == nil {
		l.remove(v)
		return true
	}
	v.refusal = refusal
	if v.at != nil {
		c := l.crowds.Get(v.place)
		v.in.Remove(v.at)
		if v.kept {
			v.join(&c.known)
		} else {
			v.join(&c.ended)
		}
	}
	return true
}

// forget takes out a viewer that may not watch any more.
func (l *viewers) forget(v *viewer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCookie.Get(v.ticket()) == v {
		l.remove(v)
	}
}

// remove takes a viewer out. l.mu is held.
func (l *viewers) remove(v *viewer) {
	l.byCookie.Delete(v.ticket())
	l.leaveCrowd(v)
	l.count(v.place, usage{viewers: -1})
}

// hasRoom reports whether there is room for the query of a place, whose address uses so much. l.mu is held.
func (l *viewers) hasRoom(used usage, p place) bool {
	return l.text+len(p.query) <= maxText && used.text+len(p.query) <= maxTextEach
}

// count counts a viewer or a refusal in a place, or one less. l.mu is held.
func (l *viewers) count(p place, more usage) {
	owner := connlimit.Owner(p.addr)
	used := l.byOwner.Get(owner)
	text := (more.viewers + more.denials) * len(p.query)
	l.text += text
	used = usage{used.viewers + more.viewers, used.denials + more.denials, used.text + text}
	if used == (usage{}) {
		l.byOwner.Delete(owner)
		return
	}
	l.byOwner.Set(owner, used)
}

// leaveCrowd takes a viewer out of the crowd of its place. l.mu is held.
func (l *viewers) leaveCrowd(v *viewer) {
	if v.at == nil {
		return
	}
	v.in.Remove(v.at)
	v.in, v.at = nil, nil
	c := l.crowds.Get(v.place)
	for _, x := range v.wires {
		c.wires.Delete(x.peer)
	}
	v.wires = nil
	if c.empty() {
		l.crowds.Delete(v.place)
	}
}

// deny remembers for a while that a hook has refused who asks from a place. Those without a query are asked for each time: what
// was decided for one of an address need not hold for another.
func (l *viewers) deny(p place, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	used := l.byOwner.Get(connlimit.Owner(p.addr))
	if p.query == "" || l.denials.Get(p).err != nil || l.denials.Len() >= maxDenials || used.denials >= maxDenialsEach || !l.hasRoom(used, p) {
		return
	}
	l.count(p, usage{denials: 1})
	l.denials.Set(p, denial{err, time.AfterFunc(viewerTime, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.denials.Delete(p)
		l.count(p, usage{denials: -1})
	})})
}

// close forgets refusals at once, which would keep the handler in memory for as long as they are remembered.
func (l *viewers) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for d := range l.denials.Values() {
		d.forget.Stop()
	}
	l.denials = elastic.Map[place, denial]{}
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

// viewerAt returns the viewer at a place in a list; nil if there is none.
func viewerAt(at *list.Element) *viewer {
	if at == nil {
		return nil
	}
	v, _ := at.Value.(*viewer) // there are no others
	return v
}
