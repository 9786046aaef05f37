package gb28181

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/debug"
	"sync"
	"time"

	"github.com/pion/rtp"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/rtp/framing"
	"github.com/sluice-media/sluice/media"
)

const (
	// moveAfter is how long a sender has to be silent until one of another address may go on for it, and changeAfter until packets
	// of another SSRC do that come from the same address.
	moveAfter   = 2 * time.Second
	changeAfter = 300 * time.Millisecond
	// maxHeldTime bounds how long packets are kept while hooks are asked.
	maxHeldTime = 10 * time.Second
	// maxHeldOpened bounds those of a port that was opened for a stream, and maxHeldShared those of one that anybody may send to, in bytes.
	maxHeldOpened, maxHeldShared = 1 << 20, 64 << 10
)

// errSilent says why a stream has ended: its sender sends no frames.
var errSilent = errors.New("gb28181: no frame came in time")

// state is how far a source has come.
type state int

const (
	looking state = iota // for something to begin with
	asking               // the hooks
	live
	over
)

// origin is where packets come from: one end of a socket or connection.
type origin struct {
	remote, local netip.AddrPort
	conn          *connection      // nil by UDP
	socket        *datagram.Socket // nil by TCP
}

// source is one sender and the stream that it feeds. Its methods may be called from any goroutine.
type source struct {
	server *Server
	key    media.StreamKey
	id     string // of its session; "" for any
	wanted Tracks
	room   int           // bytes that are kept while hooks are asked
	onEnd  func()        // called once, when it ends by itself
	onLeft func()        // called when its connection has ended; nil if another may follow
	gone   chan struct{} // closed when the stream is
	// unproven is the host that it counts against, until a frame has come. The inlet's lock guards it.
	unproven netip.Prefix

	mu      sync.Mutex
	state   state
	only    uint32 // the SSRC that is taken; 0 for any
	from    origin // of what is taken
	ssrc    uint32
	heard   time.Time // when something was taken last
	held    [][]byte
	bytes   int // of held
	since   time.Time
	kind    content
	payload uint8
	inflow  inflow
	pub     *media.Publisher
	decided chan struct{} // closed when nobody is asked any more
	cancel  context.CancelCauseFunc

	frames uint64 // by the last look
	active time.Time
}

func newSource(s *Server, key media.StreamKey, wanted Tracks, only uint32) *source {
	return &source{server: s, key: key, wanted: wanted, only: only, active: time.Now(), decided: make(chan struct{}), gone: make(chan struct{})}
}

func (s *source) logger() *slog.Logger {
	return s.server.log.With("stream", s.key.String(), "proto", "rtp")
}

// packet takes an RTP or RTCP packet, of which it keeps nothing. taken is whether it is one of the sender's, and waits whether packets wait
// for one that is missing.
func (s *source) packet(b []byte, from origin, now time.Time) (taken, waits bool) {
	if len(b) < 8 || b[0]>>6 != 2 {
		return false, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.recovered()
	if framing.IsRTCP(b) {
		if s.state != live || s.from != from {
			return false, false
		}
		s.inflow.report(b, now, nil)
		return true, false
	}
	var h rtp.Header
	n, err := h.Unmarshal(b)
	if err != nil || s.state == over || s.only != 0 && h.SSRC != s.only {
		return false, false
	}
	if s.state == looking {
		return s.begin(&h, b, n, from, now), false
	}
	if !s.takes(h.SSRC, from, now) {
		return false, false
	}
	s.heard = now
	if s.state == asking {
		s.keep(b, now)
		return true, false
	}
	s.pub.Session().Received(len(b))
	return true, s.inflow.packet(b, now)
}

// begin looks whether a packet is one to begin with, and asks the hooks.
func (s *source) begin(h *rtp.Header, b []byte, head int, from origin, now time.Time) bool {
	kind := s.server.config().detect(h.PayloadType, b[head:])
	if kind == unknown {
		return true
	}
	s.state, s.kind, s.payload = asking, kind, h.PayloadType
	s.from, s.ssrc, s.heard, s.since = from, h.SSRC, now, now
	s.keep(b, now)
	ctx, cancel := context.WithCancelCause(s.server.ctx)
	s.cancel = cancel
	s.server.running.Go(func() { s.run(ctx) })
	return true
}

// takes reports whether a packet is one of the sender's. Another takes its place when it is silent.
func (s *source) takes(ssrc uint32, from origin, now time.Time) bool {
	silent := now.Sub(s.heard)
	switch {
	case s.from == from && s.ssrc == ssrc:
		return true
	case s.from.conn != nil && s.from.conn.closed(), s.only != 0 && s.ssrc != s.only:
	case s.from == from && silent < changeAfter, s.from != from && silent < moveAfter:
		return false
	}
	s.logger().Info("another sender goes on", "from", from.remote.String(), "ssrc", ssrc, "before", s.from.remote.String(), "ssrc_before", s.ssrc)
	s.from, s.ssrc = from, ssrc
	if s.inflow != nil {
		s.inflow.restart()
	}
	return true
}

// keep holds a packet until the hooks have answered. What there is no room for shows by its number.
func (s *source) keep(b []byte, now time.Time) {
	const each = 64 // bytes that it takes to keep one, about
	if s.bytes+len(b)+each > s.room || now.Sub(s.since) > maxHeldTime {
		return
	}
	s.held = append(s.held, bytes.Clone(b))
	s.bytes += len(b) + each
}

// report takes an RTCP packet that has come by itself.
func (s *source) report(b []byte, now time.Time, reply func([]byte) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.recovered()
	if s.state == live {
		s.inflow.report(b, now, reply)
	}
}

// torn says that bytes of a connection are missing.
func (s *source) torn(from origin) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == live && s.from == from {
		s.inflow.torn()
	}
}

// recovered ends the source alone in what a packet, or what the host has put behind the stream, panics. It is deferred.
func (s *source) recovered() {
	if r := recover(); r != nil && s.cancel != nil {
		s.cancel(&acceptor.PanicError{Value: r, Stack: debug.Stack()})
	}
}

// flush passes on what has waited long enough, and reports whether more waits.
func (s *source) flush(now time.Time) (waits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.recovered()
	return s.state == live && s.inflow.flush(now)
}

// run asks the hooks, and waits for the end of the stream.
func (s *source) run(ctx context.Context) {
	err := acceptor.Guard(func() error { return s.publish(ctx) })
	if err == nil {
		select {
		case <-ctx.Done():
			err = context.Cause(ctx)
		case <-s.pub.Done():
			err = s.pub.Err()
		}
	}
	s.end(err)
}

// publish asks the hooks, and lets in what was held.
func (s *source) publish(ctx context.Context) error {
	s.mu.Lock()
	from := s.from // another may take its place meanwhile
	s.mu.Unlock()
	info := hook.Session{ID: s.id, Schema: "rtp", Protocol: "rtp", Remote: from.remote, Local: from.local}
	entry := s.server.media.NewSession(info, func(cause error) { s.cancel(cause) })
	pub, err := s.server.media.Publish(ctx, media.PublishRequest{
		Stream: s.key, Session: entry, Schema: "rtp", Origin: hook.OriginRTPPush,
		OriginURL: fmt.Sprintf("rtp://%s/%s/%s", s.key.VHost, s.key.App, s.key.Name),
	})
	if err != nil {
		entry.Close()
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(s.decided)
	s.pub, s.state = pub, live
	s.inflow = newInflow(pub, inflowConfig{
		kind: s.kind, payloadType: s.payload, unreliable: s.from.conn == nil, wanted: s.wanted, log: s.logger(),
	})
	now := time.Now()
	s.active = now
	for _, b := range s.held {
		entry.Received(len(b))
		s.inflow.packet(b, now)
	}
	s.held, s.bytes = nil, 0
	return nil
}

// end ends the stream. It is the last of what run does.
func (s *source) end(err error) {
	s.mu.Lock()
	was := s.state
	s.state, s.held = over, nil
	pub, in := s.pub, s.inflow
	s.mu.Unlock()
	s.cancel(nil)
	switch was {
	case live:
		if failed := acceptor.Guard(func() error { in.close(); return nil }); failed != nil {
			err = failed
		}
		entry := pub.Session()
		pub.Close(nil)
		entry.Close()
	case asking:
		close(s.decided)
	}
	if was == live && (err == nil || errors.Is(err, errClosed)) {
		s.logger().Info("sender ended")
	} else {
		s.server.logEnd(s, was == live, err)
	}
	close(s.gone)
	s.onEnd()
}

// errClosed is why a source ends whose port is closed.
var errClosed = errors.New("gb28181: the port was closed")

// close ends the source, and does not wait for it.
func (s *source) close(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == looking {
		s.state = over
		close(s.decided)
		close(s.gone)
	}
	if s.cancel != nil {
		s.cancel(cause)
	}
}

// setSSRC changes the one that is taken. What has another is of the same sender from then on.
func (s *source) setSSRC(ssrc uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.only = ssrc
}

// sender is where the packets come from; false if the stream is not there.
func (s *source) sender() (origin, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from, s.state == live
}

// await waits until the hooks have answered, and reports whether the stream is there.
func (s *source) await() bool {
	s.mu.Lock()
	state := s.state
	s.mu.Unlock()
	if state == asking {
		<-s.decided
		s.mu.Lock()
		defer s.mu.Unlock()
		state = s.state
	}
	return state == live
}

// left says that a connection has ended.
func (s *source) left(from origin) {
	s.mu.Lock()
	is := s.from == from
	s.mu.Unlock()
	if is && s.onLeft != nil {
		s.onLeft()
	}
}

// isFrom reports whether a host is that of the sender, and an SSRC the sender's.
func (s *source) isFrom(host netip.Addr, ssrc uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == live && s.ssrc == ssrc && s.from.remote.Addr() == host
}

// isBusy reports whether it has a sender, and isOver whether it has ended.
func (s *source) isBusy() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state != looking
}

func (s *source) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state == over
}

// wake begins the wait for frames anew.
func (s *source) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.active = time.Now()
}

// proven reports whether a frame had come by the last look.
func (s *source) proven() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames > 0
}

// silent returns how long no frame has come.
func (s *source) silent(now time.Time) time.Duration {
	s.mu.Lock()
	pub, state := s.pub, s.state
	s.mu.Unlock()
	if state == asking {
		return 0 // the hooks have limits of their own
	}
	frames := uint64(0)
	if pub != nil {
		for _, t := range pub.Stream().Stats().Tracks {
			frames += t.Frames
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if frames != s.frames {
		s.frames, s.active = frames, now
	}
	return now.Sub(s.active)
}
