package platform

import (
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
)

// message answers MESSAGE. Who is not registered at the address that it comes from is told so, and registers again.
func (p *Platform) message(req *sip.Request, tx sip.ServerTransaction) {
	id, at, ok := sender(req)
	if !ok || !p.hear(id, at) {
		respond(req, tx, sip.StatusForbidden, "Forbidden")
		return
	}
	m, err := manscdp.Parse(req.Body())
	if err != nil {
		p.log.Warn("a message of a device is not understood", "device", id, "err", err)
		respond(req, tx, sip.StatusBadRequest, "Bad Request")
		return
	}
	respond(req, tx, sip.StatusOK, "OK")
	if m.Kind == manscdp.Response && m.Command == manscdp.Catalog {
		p.collect(id, m)
	}
}

// hear notes that something came of a device, if it is registered there. One that had been silent is online again, and is asked
// for its channels if it has none.
func (p *Platform) hear(id string, at peer) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	d, now := p.devices[id], time.Now()
	if d == nil || d.peer.addr != at.addr || d.peer.transport != at.transport || now.After(d.expires) {
		return false
	}
	d.seen = now
	if !d.online {
		d.online, d.since = true, now
		p.peers[d.peer.addr]++
		p.log.Info("device is online again", "device", id)
	}
	if d.channels == nil && d.collection == nil && now.Sub(d.asked) > p.cfg.Keepalive {
		d.asked = now
		p.startLocked(func(s *serving) { p.ask(s, id) })
	}
	return true
}
