package web

import (
	"container/heap"
	"crypto/sha256"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/elastic"
)

const (
	// maxPermits bounds the verdicts that are remembered, maxPermitsEach those of one address (of a /64 by IPv6), and
	// maxPermitText their texts, in bytes. What is not remembered is asked about again.
	maxPermits     = 50_000
	maxPermitsEach = 1000
	maxPermitText  = 512
)

// permit is a verdict of a hook on files that holds for some time.
type permit struct {
	cookie string
	from   origin
	scope  string // the folder that it is about, with a slash at its end
	denied string // the text of a refusal; empty for none
	until  time.Time
	index  int // in the queue
}

// origin is what clients without a cookie are known by, if they have a query.
type origin struct {
	addr  netip.Addr
	vhost string
	query [sha256.Size]byte // its hash: queries are long
	none  bool              // there is no query
}

func (q *request) from() origin {
	query := q.URL.RawQuery
	return origin{q.entry.Info().Remote.Addr(), q.vhost, sha256.Sum256([]byte(query)), query == ""}
}

// covers reports whether a verdict is about a path.
func (p *permit) covers(path string) bool {
	return strings.HasPrefix(path, p.scope) || path == strings.TrimSuffix(p.scope, "/")
}

// holds reports whether a request needs no other verdict. A refusal is good for the same query, or for none.
func (p *permit) holds(path string, from origin) bool {
	return p.covers(path) && (p.denied == "" || from.none || p.from.query == from.query)
}

func (p *permit) err() error {
	if p.denied != "" {
		return fileDenied(p.denied)
	}
	return nil
}

// setCookie gives the client the cookie of a verdict.
func (p *permit) setCookie(head http.Header) {
	addCookie(head, p.cookie, p.scope, p.until)
}

// permits are the verdicts that are remembered. The zero value is ready.
type permits struct {
	mu       sync.Mutex
	byCookie elastic.Map[string, *permit]
	byOrigin elastic.Map[origin, *permit]
	byOwner  elastic.Map[netip.Addr, []*permit] // the oldest first
	queue    permitQueue
	timer    *time.Timer // for the one that ends first
	closed   bool
}

// find returns the verdict that holds for a request, if there is one, and whether the client has shown its cookie. One that
// does not hold for it is given up.
func (l *permits) find(q *request, now time.Time) (p *permit, known bool) {
	from, cookies := q.from(), cookiesOf(q.Request)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byCookie.Len() == 0 {
		return nil, false
	}
	shown := false
	for _, c := range cookies {
		p := l.byCookie.Get(c)
		if p == nil || p.from.vhost != from.vhost || !now.Before(p.until) {
			continue
		}
		if p.holds(q.at.path, from) {
			return p, true
		}
		shown = true
		l.remove(p)
	}
	if p = l.byOrigin.Get(from); shown || p == nil || !now.Before(p.until) {
		return nil, false
	}
	if !p.holds(q.at.path, from) {
		l.remove(p)
		return nil, false
	}
	return p, false
}

// add remembers a verdict, if it can be, instead of what was about the same client.
func (l *permits) add(p *permit, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(p.scope)+len(p.denied)+len(p.from.vhost) > maxPermitText {
		return false
	}
	l.expire(now)
	if old := l.byOrigin.Get(p.from); old != nil {
		l.remove(old)
	}
	owner := connlimit.Owner(p.from.addr)
	if list := l.byOwner.Get(owner); len(list) >= maxPermitsEach {
		l.remove(list[0])
	}
	if l.byCookie.Len() >= maxPermits {
		l.remove(l.queue[0])
	}
	l.byCookie.Set(p.cookie, p)
	if !p.from.none {
		l.byOrigin.Set(p.from, p)
	}
	l.byOwner.Set(owner, append(l.byOwner.Get(owner), p))
	heap.Push(&l.queue, p)
	l.arm(now)
	return true
}

// remove forgets a verdict. l.mu is held.
func (l *permits) remove(p *permit) {
	heap.Remove(&l.queue, p.index)
	l.byCookie.Delete(p.cookie)
	if l.byOrigin.Get(p.from) == p {
		l.byOrigin.Delete(p.from)
	}
	owner := connlimit.Owner(p.from.addr)
	list := slices.DeleteFunc(l.byOwner.Get(owner), func(x *permit) bool { return x == p })
	if len(list) == 0 {
		l.byOwner.Delete(owner)
	} else {
		l.byOwner.Set(owner, list)
	}
}

// expire forgets what does not hold any more. l.mu is held.
func (l *permits) expire(now time.Time) {
	for len(l.queue) > 0 && !now.Before(l.queue[0].until) {
		l.remove(l.queue[0])
	}
}

// arm has somebody look when the next verdict ends. l.mu is held.
func (l *permits) arm(now time.Time) {
	switch {
	case len(l.queue) == 0 || l.closed:
		if l.timer != nil {
			l.timer.Stop()
		}
	case l.timer == nil:
		l.timer = time.AfterFunc(l.queue[0].until.Sub(now), l.look)
	default:
		l.timer.Reset(l.queue[0].until.Sub(now))
	}
}

// look forgets what has ended.
func (l *permits) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.expire(now)
	l.arm(now)
}

// close forgets all.
func (l *permits) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.byCookie, l.byOrigin, l.byOwner = elastic.Map[string, *permit]{}, elastic.Map[origin, *permit]{}, elastic.Map[netip.Addr, []*permit]{}
	l.queue = nil
	l.arm(time.Time{})
}

// permitQueue has the verdict first that ends first.
type permitQueue []*permit

var _ heap.Interface = (*permitQueue)(nil)

// Len implements [heap.Interface].
func (q permitQueue) Len() int { return len(q) }

// Less implements [heap.Interface].
func (q permitQueue) Less(i, j int) bool { return q[i].until.Before(q[j].until) }

// Swap implements [heap.Interface].
func (q permitQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push implements [heap.Interface].
func (q *permitQueue) Push(x any) {
	p, _ := x.(*permit)
	p.index = len(*q)
	*q = append(*q, p)
}

// Pop implements [heap.Interface]. It gives memory back when most of what was in it has gone.
func (q *permitQueue) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	(*q)[last] = nil
	if *q = (*q)[:last]; cap(*q) > 64 && last < cap(*q)/4 {
		*q = slices.Clone(*q)
	}
	return p
}
