package gb28181

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// ErrNotActive is what Connect answers for a port that was not opened with [TCPActive].
var ErrNotActive = errors.New("gb28181: only a port of the active mode of TCP dials its sender")

const (
	// connectTimeout bounds how long a sender is dialed.
	connectTimeout = 5 * time.Second
	// closeWait bounds how long the end of a stream is waited for: only a hook of the host can take so long.
	closeWait = 5 * time.Second
	// maxName bounds each part of the name of a stream, as media.Server.Publish does, and maxPort the port of RTP, behind which is that of RTCP.
	maxName, maxPort = 8 << 10, 65534
)

// Open opens a port for the stream of a sender, or for many, and listens until it is closed: by [Server.ClosePort], because no frame
// has come for Config.Timeout, which observers are told of (hook.RTPServerTimeoutHook), or because its stream was refused or
// kicked. The sender is the first whose packets something can be made of; another takes its place after two seconds of silence. The port is opened when Open
// returns. It returns [ErrExists], media.ErrBadName, what is wrong with the request, an error that matches media.ErrNoPorts if the port is taken or none is free, or
// [ErrServerClosed].
func (s *Server) Open(ctx context.Context, r Request) (*Port, error) {
	r.Stream = r.Stream.Canonical()
	if err := r.check(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	x, err := s.open(r)
	if err != nil {
		return nil, err
	}
	port := x.status().Port
	return &port, nil
}

// check refuses what cannot be received.
func (r *Request) check() error {
	switch {
	case r.Stream.App == "" || r.Stream.Name == "":
		return media.ErrBadName
	case len(r.Stream.VHost) > maxName || len(r.Stream.App) > maxName || len(r.Stream.Name) > maxName:
		return media.ErrBadName
	case r.Mode < UDP || r.Mode > TCPActive || r.Tracks < AllTracks || r.Tracks > VideoOnly:
		return fmt.Errorf("gb28181: mode %d or tracks %d are none", r.Mode, r.Tracks)
	case r.Port < 0 || r.Port > maxPort:
		return fmt.Errorf("gb28181: the port %d is not within 1 and %d, as RTCP has the next one", r.Port, maxPort)
	}
	return nil
}

// open opens a port.
func (s *Server) open(r Request) (*inlet, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	e, err := s.endpointFor(&r)
	if err != nil {
		return nil, err
	}
	x := newInlet(s, r, e)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints.Set(e, struct{}{})
	s.count++
	x.number = s.count
	s.inlets.Set(r.Stream, x)
	e.add(x)
	return x, nil
}

// endpointFor returns the port that is asked for: one that is open already, if both agree to that.
func (s *Server) endpointFor(r *Request) (*endpoint, error) {
	s.mu.Lock()
	closing, exists := s.closing, s.inlets.Get(r.Stream) != nil
	var old *endpoint
	for e := range s.endpoints.All() {
		if r.Port != 0 && e.port == r.Port && e.reuse && r.ReusePort {
			old = e
		}
	}
	s.mu.Unlock()
	switch {
	case closing:
		return nil, ErrServerClosed
	case exists:
		return nil, ErrExists
	case old != nil:
		return old, old.listenToo(r)
	}
	return openEndpoint(s, r)
}

// closeInlet closes a port, and reports whether it was open.
func (s *Server) closeInlet(r *inlet, cause error) bool {
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	open := s.inlets.Get(r.request.Stream) == r
	if open {
		s.inlets.Delete(r.request.Stream)
	}
	last := open && r.endpoint.remove(r)
	if last {
		s.endpoints.Delete(r.endpoint)
	}
	s.mu.Unlock()
	if open {
		r.close(cause)
	}
	if last {
		r.endpoint.close()
	}
	return open
}

func (s *Server) inlet(key media.StreamKey) *inlet {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.inlets.Get(key.Canonical())
}

// ClosePort closes the port of a stream, and ends what it receives: when it returns, the stream is gone. It reports whether there was one.
func (s *Server) ClosePort(key media.StreamKey) bool {
	r := s.inlet(key)
	if r == nil || !s.closeInlet(r, errClosed) {
		return false
	}
	limit := time.NewTimer(closeWait)
	defer limit.Stop()
	for _, x := range r.sources() {
		select {
		case <-x.gone:
		case <-limit.C:
			return true
		}
	}
	return true
}

// Ports lists the ports that are open, the newest first.
func (s *Server) Ports() (list []PortStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := slices.SortedFunc(s.inlets.Values(), func(a, b *inlet) int { return cmp.Compare(b.number, a.number) })
	for _, r := range all {
		list = append(list, r.status())
	}
	return list
}

// Peer is the session of what feeds a stream; false if nothing does.
func (s *Server) Peer(key media.StreamKey) (hook.Session, bool) {
	st, ok := s.media.Stream(key)
	if !ok {
		return hook.Session{}, false
	}
	src := st.Source("rtsp")
	return src.OriginSession, src.Origin == hook.OriginRTPPush
}

// SetSSRC changes the one that is taken, from the next packet on; 0 takes any. It returns [ErrNotFound].
func (s *Server) SetSSRC(_ context.Context, key media.StreamKey, ssrc uint32) error {
	r := s.inlet(key)
	if r == nil {
		return ErrNotFound
	}
	r.setSSRC(ssrc)
	return nil
}

// SuspendTimeout keeps a port open for so long although nothing comes; 0 ends that. It returns [ErrNotFound].
func (s *Server) SuspendTimeout(key media.StreamKey, d time.Duration) error {
	r := s.inlet(key)
	if r == nil {
		return ErrNotFound
	}
	r.spare(d)
	return nil
}

// Connect dials the sender of a port that was opened with [TCPActive], for five seconds at most. It returns [ErrNotFound], [ErrNotActive], or what the
// network failed with. The connection lasts until either side closes it.
func (s *Server) Connect(ctx context.Context, key media.StreamKey, host string, port int) error {
	r := s.inlet(key)
	switch {
	case r == nil:
		return ErrNotFound
	case r.request.Mode != TCPActive:
		return ErrNotActive
	}
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("gb28181: %w", err)
	}
	return r.endpoint.adopt(conn)
}

// adopt takes what comes by a connection that was dialed.
func (e *endpoint) adopt(conn net.Conn) error {
	e.server.opening.Lock()
	defer e.server.opening.Unlock()
	if len(e.list()) == 0 || e.acceptor.Closing() {
		conn.Close()
		return ErrNotFound
	}
	c := e.accept(conn)
	e.dialed.Store(c, struct{}{})
	e.acceptor.Go(func() {
		defer e.dialed.Delete(c)
		c.serve()
	})
	return nil
}
