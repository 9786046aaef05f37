package shell

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/throttle"
	"github.com/sluice-media/sluice/media"
)

// Server serves the shell. Its methods may be called from any goroutine.
type Server struct {
	media    *media.Server
	cfg      atomic.Pointer[Config]
	acceptor *acceptor.Acceptor[*session]
	ends     acceptor.Ends
	refusals throttle.Throttle // of the log line of a login
}

var _ media.Service = (*Server)(nil)

// NewServer returns a shell for the streams of m, which ends with m. It fails on an invalid Config, and after m was
// closed.
func NewServer(m *media.Server, cfg Config) (*Server, error) {
	s := &Server{media: m}
	if err := s.Reconfigure(cfg); err != nil {
		return nil, err
	}
	s.acceptor = acceptor.New("shell", ErrServerClosed, m.Logger(), m.Limit, s.accept)
	if err := m.Register(s); err != nil {
		return nil, err
	}
	return s, nil
}

// Reconfigure replaces the Config, for the lines that come next. It fails like [NewServer].
func (s *Server) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	s.cfg.Store(&cfg)
	return nil
}

// config returns the Config as it is at present. It must not be changed.
func (s *Server) config() *Config { return s.cfg.Load() }

func (s *Server) accept(conn net.Conn) *session { return newSession(s, conn) }

// ListenAndServe listens on a TCP address and serves it. An empty address means "127.0.0.1:9000": nothing is encrypted.
func (s *Server) ListenAndServe(addr string) error {
	if addr == "" {
		addr = "127.0.0.1:9000"
	}
	return s.acceptor.ListenAndServe(addr)
}

// Serve accepts connections until the listener fails or the server is closed, and closes the listener. The error is
// never nil; it is ErrServerClosed after Shutdown or Close.
func (s *Server) Serve(ln net.Listener) error { return s.acceptor.Serve(ln) }

// Addr is where the first listener that is served listens; nil while there is none.
func (s *Server) Addr() net.Addr { return s.acceptor.Addr() }

// Shutdown stops listening, ends all sessions and waits for them, or until ctx ends; then it returns ctx.Err().
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.media.Unregister(s)
	return s.acceptor.Shutdown(ctx)
}

// Close closes the listeners and all sessions, and waits for them.
func (s *Server) Close() error {
	defer s.media.Unregister(s)
	return s.acceptor.Close()
}
