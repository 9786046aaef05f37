package rtmp

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sync/atomic"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// Server accepts publishers and players. Its methods may be called from any goroutine.
type Server struct {
	media    *media.Server
	cfg      atomic.Pointer[Config]
	log      *slog.Logger
	format   *media.Format
	acceptor *acceptor.Acceptor[*session]
	ends     acceptor.Ends
}

var _ media.Service = (*Server)(nil)

// NewServer returns a server that ends with m. It fails on an invalid Config, and after m was closed.
func NewServer(m *media.Server, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{media: m, log: m.Logger(), format: newFormat(cfg.LegacyCodecs)}
	s.cfg.Store(&cfg)
	s.acceptor = acceptor.New(s.protocol(), ErrServerClosed, s.log, m.Limit, s.accept)
	if err := m.RegisterFormats(s, s.format); err != nil {
		return nil, err
	}
	return s, nil
}

// config returns the Config as it is at present. It must not be changed.
func (s *Server) config() *Config { return s.cfg.Load() }

// Reconfigure replaces the Config of a server that runs, from the next connection, request or wait on, and disturbs
// nobody. TLSConfig and LegacyCodecs stay. It fails like [NewServer].
func (s *Server) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	before := s.config()
	cfg.TLSConfig, cfg.LegacyCodecs = before.TLSConfig, before.LegacyCodecs
	s.cfg.Store(&cfg)
	return nil
}

func (s *Server) accept(conn net.Conn) *session {
	if s.config().TLSConfig != nil {
		conn = tls.Server(conn, s.config().TLSConfig)
	}
	return newSession(s, conn)
}

func (s *Server) protocol() string {
	if s.config().TLSConfig != nil {
		return "rtmps"
	}
	return "rtmp"
}

// ListenAndServe listens on a TCP address and serves it. An empty address means ":1935", or ":19350" with a
// TLSConfig.
func (s *Server) ListenAndServe(addr string) error {
	switch {
	case addr != "":
	case s.config().TLSConfig != nil:
		addr = ":19350"
	default:
		addr = ":1935"
	}
	return s.acceptor.ListenAndServe(addr)
}

// Serve accepts connections until the listener fails or the server is closed, and closes the listener. The
// error is never nil; it is ErrServerClosed after Shutdown or Close.
func (s *Server) Serve(ln net.Listener) error { return s.acceptor.Serve(ln) }

// Addr is where the first listener that is served listens; nil while there is none.
func (s *Server) Addr() net.Addr { return s.acceptor.Addr() }

// Shutdown stops listening, ends whoever does not play and waits until the players have got the rest of
// their streams, or ctx ends; then it closes them and returns ctx.Err().
func (s *Server) Shutdown(ctx context.Context) error {
	defer s.media.Unregister(s)
	return s.acceptor.Shutdown(ctx)
}

// Close closes the listeners and all sessions, and waits for them.
func (s *Server) Close() error {
	defer s.media.Unregister(s)
	return s.acceptor.Close()
}
