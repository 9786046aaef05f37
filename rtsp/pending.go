package rtsp

import (
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/rtp/mux"
)

// How many pairs of ports may be held in all, and by the clients of one address, that neither play nor record yet.
const (
	maxPending     = 128
	maxPendingEach = 64
)

var (
	errTooManyPorts = errors.New("rtsp: too many ports for one session")
	errGaveWay      = errors.New("rtsp: gave its ports to others that want to begin")
)

// pending are the sessions that hold ports and neither play nor record yet: the oldest first, and once for each pair.
type pending struct {
	mu   sync.Mutex
	list []*session
}

// add notes that x is about to hold one pair more. If that is more than each of an address may, or all, it returns the
// session of the address, or of all, that has held one for longest, and whose turn to go it is; if that is x, nothing is
// noted.
func (p *pending) add(x *session, each, all int) (oldest *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owner, held := x.owner(), 0
	for _, other := range p.list {
		if other.owner() == owner {
			if held == 0 {
				oldest = other
			}
			held++
		}
	}
	switch {
	case held >= each:
	case len(p.list) >= all:
		oldest = p.list[0]
	default:
		oldest = nil
	}
	if oldest == x {
		return x
	}
	if oldest != nil {
		p.drop(oldest)
	}
	p.list = append(p.list, x)
	return oldest
}

// remove says that x plays, records or ends.
func (p *pending) remove(x *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(x)
}

// drop takes x off the list. p.mu is held.
func (p *pending) drop(x *session) {
	p.list = slices.DeleteFunc(p.list, func(other *session) bool { return other == x })
}

func (x *session) owner() netip.Addr { return connlimit.Owner(x.entry.Info().Remote.Addr()) }

// reserve makes room for one more pair of ports for a session that has some, and reports whether it may have it. Whoever
// is slow to play or record gives way to others: nobody can keep ports that he does not use.
func (x *session) reserve(has int) bool {
	if has >= mux.MaxTracks {
		return false
	}
	span := x.server.config().PortRange
	x.pending = true
	half := (span[1] - span[0]) / 4 // of the pairs there are
	oldest := x.server.pending.add(x, min(maxPendingEach, half), min(maxPending, half))
	if oldest == x {
		return false
	}
	if oldest != nil {
		oldest.entry.Kick(errGaveWay)
	}
	return true
}

// settle says that the peer plays or records, and ends what reserve began.
func (x *session) settle() {
	x.server.media.Settle(x.conn.LocalAddr(), x.conn.RemoteAddr())
	if half := x.half.Load(); half != nil {
		x.server.media.Settle(half.conn.LocalAddr(), half.conn.RemoteAddr())
	}
	x.unreserve()
}

// unreserve ends what reserve began.
func (x *session) unreserve() {
	if x.pending {
		x.pending = false
		x.server.pending.remove(x)
	}
}
