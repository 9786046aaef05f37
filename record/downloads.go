package record

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/sluice-media/sluice/internal/connlimit"
	"github.com/sluice-media/sluice/internal/forwarded"
	"github.com/sluice-media/sluice/internal/throttle"
)

// maxDownloads is how many files are made for clients at once. Each takes up to some 30 MB for its index.
const maxDownloads = 64

var (
	errBusy        = errors.New("too many files are being made")
	errBusyAddress = errors.New("too many files are being made for this address")
)

// downloads counts the files that are being made.
type downloads struct {
	perAddress int // how many for one address at most; any number if it is negative
	log        *slog.Logger
	refused    throttle.Throttle

	mu  sync.Mutex
	all int
	of  map[netip.Addr]int // those of each address that has some
}

// begin counts one more, unless that is too many, until end is called. Who has no address has as many as there are.
func (d *downloads) begin(r *http.Request) (end func(), err error) {
	peer := forwarded.Peer(r).Addr()
	owner := connlimit.Owner(peer)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.all >= maxDownloads:
		err = errBusy
	case d.perAddress >= 0 && owner.IsValid() && d.of[owner] >= d.perAddress:
		err = errBusyAddress
	}
	if err != nil {
		if n, ok := d.refused.Ready(); ok {
			d.log.Warn("downloads of recordings refused", "why", err, "number", n, "peer", peer, "open", d.all)
		}
		return nil, err
	}
	if d.of == nil {
		d.of = map[netip.Addr]int{}
	}
	d.all++
	d.of[owner]++
	return func() { d.end(owner) }, nil
}

func (d *downloads) end(owner netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all--
	if d.of[owner]--; d.of[owner] == 0 {
		delete(d.of, owner)
	}
}

// count returns how many there are.
func (d *downloads) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.all
}
