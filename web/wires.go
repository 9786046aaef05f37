package web

import (
	"net/http"
	"net/netip"
	"slices"
	"time"

	"github.com/sluice-media/sluice/internal/forwarded"
)

// maxWires is how many connections a viewer is known by: browsers have no more to a server.
const maxWires = 6

// wire is a connection by which a viewer without a cookie asks.
type wire struct {
	peer    netip.AddrPort
	asked   time.Time // for a playlist; zero if it has not yet
	waiting int       // how many requests for playlists are not answered yet
	doubts  int       // how often in a row another has asked between two requests by it that were as far apart as one viewer's
	other   bool      // it has turned out to be somebody else's
}

// ask is a request for a playlist.
type ask struct {
	at       time.Time
	wire     netip.AddrPort // invalid if the connection says nothing
	blocking bool           // it waits for something new (RFC 8216bis, 6.2.5.2)
}

// wireOf returns the connection of a request by its other end, if that is the client's own and not only for this request.
func (h *Handler) wireOf(r *http.Request) netip.AddrPort {
	peer := forwarded.Peer(r)
	if r.Close || forwarded.Marked(r.Header) || peer.Addr() != h.config().remote(r).Addr() {
		return netip.AddrPort{}
	}
	return peer
}

// who returns the one of a crowd who asks for a playlist, or nil for somebody new.
func (c *crowd) who(a ask) *viewer {
	v := c.wires.Get(a.wire)
	if v == nil {
		return c.next(a)
	}
	if v.refusal == nil && v.split(a) {
		c.cut(v, a.wire)
		return nil
	}
	return v
}

// next returns the one of a crowd whose turn it is to ask: the one that has not asked for longest. Nobody asks by two connections at
// once, nor again long before there is anything new.
func (c *crowd) next(a ask) *viewer {
	v := viewerAt(c.watching.Front())
	if x := viewerAt(c.ended.Front()); v == nil || x != nil && x.asked.Before(v.asked) {
		v = x
	}
	switch {
	case v == nil || a.at.Sub(v.asked) <= v.soon(a.blocking):
		return nil
	case slices.ContainsFunc(v.wires, func(x wire) bool { return x.waiting > 0 }):
		return nil
	}
	return v
}

// soon is how long after its last request for a playlist one by another connection is not the viewer's: it reloads after half a target
// duration at the earliest (RFC 8216, 6.3.4), or when what it waited for has come.
func (v *viewer) soon(blocking bool) time.Duration {
	if blocking {
		return sameAfter
	}
	return max(sameAfter, v.target*2/5)
}

// maxDoubts is how many doubts are too many: who reloads what is unchanged may ask by another connection once.
const maxDoubts = 2

// split tells connections apart that were taken for those of one viewer, when it asks by one of them: it does not ask by two at once,
// nor for long twice in a target duration. It reports whether this one is another viewer's, as the one that came later is.
func (v *viewer) split(a ask) bool {
	i := slices.IndexFunc(v.wires, func(x wire) bool { return x.peer == a.wire })
	mine := &v.wires[i]
	if mine.other {
		return true
	}
	between := func(x wire) bool { return !x.other && x.asked.After(mine.asked) }
	if a.blocking || mine.asked.IsZero() || a.at.Sub(mine.asked) >= v.target*5/4 || !slices.ContainsFunc(v.wires, between) {
		mine.doubts = 0
	} else {
		mine.doubts++
	}
	for j := range v.wires {
		x := &v.wires[j]
		switch {
		case j == i || x.other:
		case x.waiting > 0 && j < i:
			return true
		case x.waiting > 0, mine.doubts >= maxDoubts && between(*x):
			x.other = true
		}
	}
	return false
}

// note remembers by which connection a viewer has asked.
func (c *crowd) note(v *viewer, a ask) {
	v.asked = a.at
	if !a.wire.IsValid() {
		return
	}
	if old := c.wires.Get(a.wire); old != v {
		c.cut(old, a.wire)
		if len(v.wires) == maxWires {
			c.cut(v, v.wires[0].peer)
		}
		v.wires = append(v.wires, wire{peer: a.wire})
		c.wires.Set(a.wire, v)
	}
	x := v.wire(a.wire)
	v.kept = v.kept || !x.asked.IsZero()
	x.asked = a.at
	x.waiting++
}

// wire returns a connection of a viewer; nil if it is not one.
func (v *viewer) wire(peer netip.AddrPort) *wire {
	for i := range v.wires {
		if v.wires[i].peer == peer {
			return &v.wires[i]
		}
	}
	return nil
}

// cut says that a connection is not a viewer's any more, who may be nil.
func (c *crowd) cut(v *viewer, peer netip.AddrPort) {
	if v != nil {
		v.wires = slices.DeleteFunc(v.wires, func(x wire) bool { return x.peer == peer })
		c.wires.Delete(peer)
	}
}

// answered says that a request of a viewer for a playlist is over.
func (l *viewers) answered(v *viewer, peer netip.AddrPort) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := v.wire(peer); x != nil && x.waiting > 0 {
		x.waiting--
	}
}
