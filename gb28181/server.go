package gb28181

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/internal/elastic"
	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/internal/tally"
	"github.com/sluice-media/sluice/internal/throttle"
	"github.com/sluice-media/sluice/media"
)

// Server receives streams by RTP, and sends them. Its methods may be called from any goroutine.
type Server struct {
	media   *media.Server
	cfg     atomic.Pointer[Config]
	log     *slog.Logger
	buffers datagram.Buffers

	ctx     context.Context // of sources and senders
	cancel  context.CancelFunc
	running tally.Tally // their goroutines

	ends    acceptor.Ends
	foreign throttle.Throttle // of the log line of packets that are not taken

	opening sync.Mutex // held while an endpoint is looked for and opened, or closed

	mu        sync.Mutex
	closing   bool
	count     uint64 // of inlets so far
	inlets    elastic.Map[media.StreamKey, *inlet]
	endpoints elastic.Map[*endpoint, struct{}]
	senders   elastic.Map[media.StreamKey, []*sender]
}

var _ media.Service = (*Server)(nil)

// NewServer returns a server that ends with m. It fails on an invalid Config, and after m was closed.
func NewServer(m *media.Server, cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{media: m, log: m.Logger()}
	s.cfg.Store(&cfg)
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := m.Register(s); err != nil {
		s.cancel()
		return nil, err
	}
	s.running.Go(s.watch)
	return s, nil
}

// config returns the Config as it is at present. It must not be changed.
func (s *Server) config() *Config { return s.cfg.Load() }

// Reconfigure replaces the Config of a server that runs, from the next port, sender or wait on, and disturbs nobody. It fails like [NewServer].
func (s *Server) Reconfigure(cfg Config) error {
	cfg, err := cfg.withDefaults()
	if err == nil {
		s.cfg.Store(&cfg)
	}
	return err
}

// Shutdown closes all ports and senders: nothing of them would come to an end by itself. It waits for them, or for the end of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.stop()
	ended := make(chan struct{})
	go func() {
		s.running.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close closes all ports and senders, and waits for them.
func (s *Server) Close() error {
	s.stop()
	s.running.Wait()
	return nil
}

func (s *Server) stop() {
	defer s.media.Unregister(s)
	s.opening.Lock()
	defer s.opening.Unlock()
	s.mu.Lock()
	s.closing = true
	var all []*endpoint
	for e := range s.endpoints.All() {
		all = append(all, e)
	}
	s.mu.Unlock()
	s.cancel()
	for _, e := range all {
		e.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoints, s.inlets = elastic.Map[*endpoint, struct{}]{}, elastic.Map[media.StreamKey, *inlet]{}
}

// watchEvery is how often silent senders are looked for.
const watchEvery = time.Second

// watch closes the ports of senders that are silent.
func (s *Server) watch() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			for _, r := range s.all() {
				r.expire(now)
			}
			s.measure()
		case <-s.ctx.Done():
			return
		}
	}
}

// all returns the inlets there are.
func (s *Server) all() (list []*inlet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := range s.endpoints.All() {
		list = append(list, e.list()...)
	}
	return list
}

// logEnd writes the line that says why a sender has ended, or was refused.
func (s *Server) logEnd(src *source, admitted bool, err error) {
	end := acceptor.End{Err: err, Admitted: admitted}
	if _, denied := hook.Denied(err); denied || errors.Is(err, media.ErrStreamExists) {
		end.Err = &acceptor.Refusal{Cause: err}
	}
	s.ends.Log(src.logger(), end)
}
