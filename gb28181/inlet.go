package gb28181

import (
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/media"
)

// inlet is what was opened for a stream, or for many of one app.
type inlet struct {
	server   *Server
	request  Request
	endpoint *endpoint
	// hidden is not listed, nor ever closed by itself: the port that all share.
	hidden bool
	room   int
	number uint64 // in the order in which they were opened

	mu     sync.Mutex
	closed bool
	only   uint32
	single *source // unless it takes many
	many   elastic.Map[uint32, *source]
	// unproven counts those of many of whose streams no frame has come, by their hosts: none may take all places with them.
	unproven elastic.Map[netip.Prefix, int]
	spared   time.Time // until when silence does not matter
}

func newInlet(s *Server, r Request, e *endpoint) *inlet {
	x := &inlet{server: s, request: r, endpoint: e, only: r.SSRC, room: maxHeldOpened}
	if !r.Multiplex {
		x.single = x.newSource(r.Stream, r.Stream.Name, r.SSRC)
	}
	return x
}

func (r *inlet) newSource(key media.StreamKey, id string, only uint32) *source {
	x := newSource(r.server, key, r.request.Tracks, only)
	x.id, x.room = id, r.room
	x.onEnd = r.ended
	if r.request.Multiplex {
		x.onLeft = func() { r.left(x) }
	}
	return x
}

func (r *inlet) logger() *slog.Logger {
	return r.server.log.With("stream", r.request.Stream.String(), "port", r.endpoint.port)
}

// find returns who feeds the stream that packets of an SSRC are for; nil if nobody does yet.
func (r *inlet) find(ssrc uint32) *source {
	if r.single != nil {
		return r.single
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.many.Get(ssrc)
}

// admit lets a sender in whose packet a stream can begin with, on a port of many. Nothing is kept of any other: whoever makes up SSRCs would
// take the places of all. It returns nil if there is no place.
func (r *inlet) admit(ssrc uint32, b []byte, from origin) *source {
	if !r.request.Multiplex || !r.server.config().begins(b) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	limit, host := r.server.config().MaxSenders, hostOf(from.remote.Addr())
	if r.many.Len() >= limit || r.unproven.Get(host) >= (limit+1)/2 {
		if n, ok := r.server.foreign.Ready(); ok {
			r.logger().Warn("RTP is not taken, as the port has too many senders", "from", from.remote.String(), "limit", limit, "number", n)
		}
		return nil
	}
	key := r.request.Stream
	key.Name = fmt.Sprintf("%08X", ssrc)
	x := r.newSource(key, "", ssrc)
	x.unproven = host
	r.unproven.Set(host, r.unproven.Get(host)+1)
	r.many.Set(ssrc, x)
	return x
}

// hostOf is what a host has of addresses: one, or of IPv6 a network of 64 bits.
func hostOf(a netip.Addr) netip.Prefix {
	bits := 64
	if a = a.Unmap(); a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // it has that many bits, or there is no address
	return p
}

// prove takes note that a sender has sent a frame, or that it is gone. The lock is held.
func (r *inlet) prove(x *source) {
	if !x.unproven.IsValid() {
		return
	}
	if n := r.unproven.Get(x.unproven) - 1; n > 0 {
		r.unproven.Set(x.unproven, n)
	} else {
		r.unproven.Delete(x.unproven)
	}
	x.unproven = netip.Prefix{}
}

// sources are those there are.
func (r *inlet) sources() (list []*source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.single != nil {
		list = append(list, r.single)
	}
	for x := range r.many.Values() {
		list = append(list, x)
	}
	return list
}

// ended takes note of a source that has ended by itself: who was refused, or ended by the host, with the port that was opened for it. On a
// port of many he stays away until he would have been silent for too long.
func (r *inlet) ended() {
	if !r.request.Multiplex {
		r.server.closeInlet(r, errClosed)
	}
}

// left ends a source with its connection.
func (r *inlet) left(x *source) {
	r.drop(x)
	x.close(errClosed)
}

func (r *inlet) drop(x *source) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.many.Get(x.only) == x {
		r.many.Delete(x.only)
		r.prove(x)
	}
}

// close ends the sources.
func (r *inlet) close(cause error) {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	for _, x := range r.sources() {
		x.close(cause)
	}
}

// setSSRC changes the one that is taken.
func (r *inlet) setSSRC(ssrc uint32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.only = ssrc
	if r.single != nil {
		r.single.setSSRC(ssrc)
	}
}

// spare keeps it open although it is silent.
func (r *inlet) spare(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.spared = time.Now().Add(d)
	if r.single != nil && d <= 0 {
		r.single.wake()
	}
}

func (r *inlet) isSpared(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return now.Before(r.spared)
}

// expire ends what is silent for too long.
func (r *inlet) expire(now time.Time) {
	timeout := r.server.config().Timeout
	if r.request.Multiplex {
		r.expireMany(now, timeout)
		return
	}
	if r.isSpared(now) {
		return
	}
	if r.single.silent(now) < timeout || !r.server.closeInlet(r, errSilent) {
		return
	}
	r.logger().Info("port closed, no frame has come", "for", timeout)
	r.server.media.RTPServerTimeout(&hook.RTPServerTimeoutEvent{
		Stream: r.request.Stream, LocalPort: r.endpoint.port, StreamID: r.request.Stream.Name, TCPMode: int(r.request.Mode),
		ReusePort: r.request.ReusePort, SSRC: r.ssrc(),
	})
}

// expireMany ends those of many that are silent for too long.
func (r *inlet) expireMany(now time.Time, timeout time.Duration) {
	spared := r.isSpared(now)
	for _, x := range r.sources() {
		switch silent, proven := x.silent(now), x.proven(); {
		case silent >= timeout && !spared:
			x.close(errSilent)
			r.drop(x)
		case proven:
			r.mu.Lock()
			r.prove(x)
			r.mu.Unlock()
		}
	}
}

func (r *inlet) ssrc() uint32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.only
}

func (r *inlet) status() PortStatus {
	return PortStatus{
		Port: Port{Stream: r.request.Stream, Number: r.endpoint.port, Mode: r.request.Mode}, SSRC: r.ssrc(), Tracks: r.request.Tracks,
	}
}
