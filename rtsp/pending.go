package rtsp

import (
	"errors"
	"net/netip"
	"slices"
	"sync"

	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/rtp/mux"
)

// maxPending is how many pairs of ports the clients of one address may hold that neither play nor record yet.
const maxPending = 64

var (
	errTooManyPorts = errors.New("rtsp: too many ports for one session")
	errGaveWay      = errors.New("rtsp: gave its ports to others of its address that want to begin")
)

// pending are the sessions that hold ports and neither play nor record yet, by who owns their address: the oldest first,
// and once for each pair.
type pending struct {
	mu   sync.Mutex
	list elastic.Map[netip.Addr, []*session]
}

// add notes that x is about to hold one pair more. If that is more than most for its address, it returns the session that
// has held one for longest, and whose turn to go it is; if that is x, nothing is noted.
func (p *pending) add(x *session, most int) (oldest *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	owner := x.owner()
	list := p.list.Get(owner)
	if len(list) >= most {
		if oldest = list[0]; oldest == x {
			return x
		}
		p.drop(oldest)
	}
	p.list.Set(owner, append(p.list.Get(owner), x))
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
	owner := x.owner()
	rest := slices.DeleteFunc(p.list.Get(owner), func(other *session) bool { return other == x })
	if len(rest) == 0 {
		p.list.Delete(owner)
		return
	}
	p.list.Set(owner, rest)
}

func (x *session) owner() netip.Addr { return connlimit.Owner(x.entry.Info().Remote.Addr()) }

// reserve makes room for one more pair of ports for a session that has some, and reports whether it may have it. Whoever
// is slow to play or record gives way to others of his address: nobody can keep ports that he does not use.
func (x *session) reserve(has int) bool {
	if has >= mux.MaxTracks {
		return false
	}
	span := x.server.config().PortRange
	x.pending = true
	oldest := x.server.pending.add(x, min(maxPending, (span[1]-span[0])/4))
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
	if x.pending {
		x.pending = false
		x.server.pending.remove(x)
	}
}
