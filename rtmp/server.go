package rtmp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/media"
)

// Server accepts publishers and players. Its methods may be called from any goroutine.
type Server struct {
	media  *media.Server
	cfg    Config
	log    *slog.Logger
	format *media.Format

	running tally.Tally // goroutines of sessions

	mu        sync.Mutex
	closing   bool
	listeners map[net.Listener]struct{}
	sessions  map[*session]struct{}
}

var _ media.Service = (*Server)(nil)

// NewServer returns a server that ends with m. It fails on an invalid Config, and after m was closed.
func NewServer(m *media.Server, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{
		media: m, cfg: cfg, log: m.Logger(), format: newFormat(cfg.LegacyCodecs),
		listeners: map[net.Listener]struct{}{}, sessions: map[*session]struct{}{},
	}
	if err := m.Register(s, "rtmp"); err != nil {
		return nil, err
	}
	return s, nil
}

// ListenAndServe listens on a TCP address and serves it. An empty address means ":1935", or ":19350" with a
// TLSConfig.
func (s *Server) ListenAndServe(addr string) error {
	switch {
	case addr != "":
	case s.cfg.TLSConfig != nil:
		addr = ":19350"
	default:
		addr = ":1935"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("rtmp: %w", err)
	}
	return s.Serve(ln)
}

// Serve accepts connections until the listener fails or the server is closed, and closes the listener. The
// error is never nil; it is ErrServerClosed after Shutdown or Close.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	if !s.addListener(ln) {
		return ErrServerClosed
	}
	defer s.dropListener(ln)
	for pause := time.Duration(0); ; {
		conn, err := ln.Accept()
		if err == nil {
			pause = 0
			s.start(conn)
			continue
		}
		if s.isClosing() {
			return ErrServerClosed
		}
		if errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("rtmp: %w", err)
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.log.Warn("accept failed, trying again", "proto", s.protocol(), "err", err, "in", pause)
		time.Sleep(pause)
	}
}

func (s *Server) protocol() string {
	if s.cfg.TLSConfig != nil {
		return "rtmps"
	}
	return "rtmp"
}

func (s *Server) addListener(ln net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.listeners[ln] = struct{}{}
	return true
}

func (s *Server) dropListener(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// start serves a connection on a goroutine of its own.
func (s *Server) start(conn net.Conn) {
	if s.cfg.TLSConfig != nil {
		conn = tls.Server(conn, s.cfg.TLSConfig)
	}
	x := newSession(s, conn)
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		x.close()
		return
	}
	s.sessions[x] = struct{}{}
	s.mu.Unlock()
	s.running.Go(x.serve)
}

// forget takes a session off the list.
func (s *Server) forget(x *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, x)
}

// Shutdown stops listening, ends whoever does not play and waits until the players have got the rest of
// their streams, or ctx ends; then it closes them and returns ctx.Err().
func (s *Server) Shutdown(ctx context.Context) error {
	for _, x := range s.stop() {
		if !x.playing.Load() {
			x.conn.Close()
		}
	}
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		_ = s.Close()
		return ctx.Err()
	}
}

// Close closes the listeners and all sessions, and waits for them.
func (s *Server) Close() error {
	for _, x := range s.stop() {
		x.conn.Close()
	}
	s.running.Wait()
	return nil
}

// stop closes the listeners and returns the sessions there are.
func (s *Server) stop() []*session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closing = true
	for ln := range s.listeners {
		ln.Close()
	}
	var list []*session
	for x := range s.sessions {
		list = append(list, x)
	}
	return list
}
