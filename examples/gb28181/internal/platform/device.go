package platform

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// device is one that has registered once. It is guarded by Platform.mu.
type device struct {
	id      string
	peer    peer
	online  bool
	since   time.Time // when it registered first, since it was offline
	seen    time.Time // when it was heard of last
	expires time.Time // when its registration does
	serial  uint64    // of the nonce that it registered with last

	channels   []manscdp.Item // nil until they are known
	asked      time.Time      // when it was asked for them last
	collection *collection    // of the query that is under way, or nil
}

// peer is where a device is reached.
type peer struct {
	addr      netip.AddrPort
	transport string // UDP or TCP
	local     netip.Addr
}

var (
	errFull    = errors.New("platform: there are too many devices")
	errStale   = errors.New("platform: that nonce has been used")
	errOffline = errors.New("platform: the device is offline")
)

// isPeer reports whether a device is online at an address.
func (p *Platform) isPeer(addr netip.AddrPort) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peers[addr] > 0
}

// admit registers a device that has proved its password with the nonce of that number. fresh is whether it was offline before, or
// elsewhere.
func (p *Platform) admit(id string, at peer, serial uint64, expires time.Time) (fresh bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.devices[id]
	if d == nil {
		if len(p.devices) >= p.cfg.MaxDevices && !p.evict() {
			return false, errFull
		}
		d = &device{id: id}
		p.devices[id] = d
	}
	if serial <= d.serial {
		return false, errStale
	}
	d.serial = serial
	now := time.Now()
	if d.online {
		p.unpeer(d)
	} else {
		d.since = now
	}
	if fresh = !d.online || d.peer.addr != at.addr; fresh {
		d.collection = nil // what was asked for is not answered any more
	}
	d.peer, d.seen, d.expires, d.online = at, now, expires, true
	p.peers[at.addr]++
	return fresh, nil
}

// evict forgets the device that has been offline longest, if there is one. Its nonces are too old by then, so that none can be
// used again. p.mu is held.
func (p *Platform) evict() bool {
	var oldest *device
	for _, d := range p.devices {
		if !d.online && (oldest == nil || d.seen.Before(oldest.seen)) {
			oldest = d
		}
	}
	if oldest == nil || time.Since(oldest.seen) <= p.verifier.Lifetime() {
		return false
	}
	delete(p.devices, oldest.id)
	return true
}

// leave makes a device offline, and ends its calls. p.mu is held.
func (p *Platform) leave(d *device, why error) {
	if !d.online {
		return
	}
	d.online = false
	p.unpeer(d)
	for _, c := range p.calls {
		if c.device == d.id {
			c.end(why)
		}
	}
	p.log.Info("device is offline", "device", d.id, "why", why)
}

func (p *Platform) unpeer(d *device) {
	if p.peers[d.peer.addr]--; p.peers[d.peer.addr] <= 0 {
		delete(p.peers, d.peer.addr)
	}
}

// watch makes devices offline that are silent for too long.
func (p *Platform) watch(ctx context.Context) {
	ticker := time.NewTicker(max(p.cfg.Keepalive/4, 10*time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			p.sweep(time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func (p *Platform) sweep(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, d := range p.devices {
		if now.Sub(d.seen) > missed*p.cfg.Keepalive || now.After(d.expires) {
			p.leave(d, errOffline)
		}
	}
}

// localAddr returns the address of this machine from which another is reached. No packet is sent for it.
func localAddr(to netip.AddrPort) netip.Addr {
	c, err := net.Dial("udp", to.String())
	if err != nil {
		return netip.Addr{}
	}
	defer c.Close()
	local, _ := netip.ParseAddrPort(c.LocalAddr().String())
	return local.Addr().Unmap()
}

// peerOf returns where a device that is online is reached.
func (p *Platform) peerOf(id string) (peer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	d := p.devices[id]
	if d == nil || !d.online {
		return peer{}, errOffline
	}
	return d.peer, nil
}
