// Package siege has many peers hold what a server has, without being viewers or publishers, while honest viewers come again and again.
package siege

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

const (
	warmUp     = 5 * time.Second // of honest viewers alone
	viewEvery  = 300 * time.Millisecond
	lookEvery  = 100 * time.Millisecond
	againAfter = time.Second     // a peer that was cut comes back
	perSecond  = 1000            // peers that come: what they do takes the same processors as the server
	dialLimit  = 64              // peers that connect at the same time
	ebbLimit   = 3 * time.Minute // longer than Go goes without collecting garbage
	// Ebbed is how much more a server may hold when its peers have gone, in KB.
	Ebbed = 10 << 10
)

// Config is one siege.
type Config struct {
	Kind Kind
	// RTMP, HTTP and RTSP are the addresses of the server. Stream is the path of a stream that is there, Besieged of that which the peers ask for.
	RTMP, HTTP, RTSP, Stream, Besieged string
	PID                                int
	For                                time.Duration // how long it lasts when all peers have come
}

// Result is what was measured.
type Result struct {
	Name  string
	N     int
	Held  int64     // most peers whose connections were open at once
	KeyMS []float64 // from the connection of each honest viewer to his first key frame, while the peers were there
	Lost  int       // honest viewers that got none
	// BeforeKB is what the server held before, PeakKB at most, AfterKB when the peers had gone for EbbSeconds.
	BeforeKB, PeakKB, AfterKB, EbbSeconds float64
	Faults                                []string
}

// siege is one in progress.
type siege struct {
	cfg    Config
	res    *Result
	held   atomic.Int64
	coming chan struct{} // bounds those that connect
}

// Run besieges a server. It takes as many descriptors as there are peers.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := raiseLimit(cfg.Kind.N); err != nil {
		return nil, err
	}
	s := &siege{cfg: cfg, res: &Result{Name: cfg.Kind.Name, N: cfg.Kind.N}, coming: make(chan struct{}, dialLimit)}
	if err := s.visit(ctx, time.Now().Add(warmUp)); err != nil {
		return nil, err
	}
	if s.res.Lost > 0 {
		return nil, fmt.Errorf("siege: the server does not work: %v", s.res.Faults)
	}
	s.res.KeyMS = nil
	var err error
	if s.res.BeforeKB, err = s.rss(); err != nil {
		return nil, err
	}
	if err := s.last(ctx); err != nil {
		return nil, err
	}
	return s.res, s.ebb(ctx)
}

// last has the peers come, and stay for a time.
func (s *siege) last(ctx context.Context) error {
	ctx, leave := context.WithCancel(ctx)
	var peers sync.WaitGroup
	defer peers.Wait()
	defer leave()
	for i := range s.cfg.Kind.N {
		peers.Go(func() {
			if sleep(ctx, time.Duration(i)*time.Second/perSecond) {
				s.hold(ctx)
			}
		})
	}
	peers.Go(func() { s.look(ctx) })
	if err := s.visit(ctx, time.Now().Add(s.cfg.For)); err != nil {
		return err
	}
	return ctx.Err()
}

// hold is one peer. Who is cut comes back.
func (s *siege) hold(ctx context.Context) {
	for ctx.Err() == nil {
		if conn := s.connect(ctx); conn != nil {
			s.held.Add(1)
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			s.cfg.Kind.hold(ctx, &s.cfg, conn)
			stop()
			_ = conn.Close()
			s.held.Add(-1)
		}
		sleep(ctx, againAfter)
	}
}

// connect connects a peer. All have one address, which is not that of the viewers.
func (s *siege) connect(ctx context.Context) net.Conn {
	select {
	case s.coming <- struct{}{}:
		defer func() { <-s.coming }()
	case <-ctx.Done():
		return nil
	}
	d := net.Dialer{Timeout: viewLimit, LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, Control: s.cfg.Kind.control}
	conn, err := d.DialContext(ctx, "tcp", s.cfg.Kind.address(&s.cfg))
	if err != nil {
		return nil
	}
	return conn
}

// look notes the most that there is of anything.
func (s *siege) look(ctx context.Context) {
	for sleep(ctx, lookEvery) {
		if kb, err := s.rss(); err == nil {
			s.res.PeakKB = max(s.res.PeakKB, kb)
		}
		s.res.Held = max(s.res.Held, s.held.Load())
	}
}

// visit has honest viewers come one after the other.
func (s *siege) visit(ctx context.Context, until time.Time) error {
	for time.Now().Before(until) {
		took, err := view(ctx, &s.cfg)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			s.res.Lost++
			s.res.Faults = append(s.res.Faults, err.Error())
		default:
			s.res.KeyMS = append(s.res.KeyMS, stat.Millis(took))
		}
		sleep(ctx, viewEvery)
	}
	return nil
}

// ebb waits until the server has let go of what it had for the peers.
func (s *siege) ebb(ctx context.Context) error {
	began := time.Now()
	for sleep(ctx, lookEvery) {
		kb, err := s.rss()
		if err != nil {
			return err
		}
		s.res.AfterKB, s.res.EbbSeconds = kb, time.Since(began).Seconds()
		if kb < s.res.BeforeKB+Ebbed || time.Since(began) > ebbLimit {
			break
		}
	}
	return ctx.Err()
}

func (s *siege) rss() (kb float64, err error) {
	bytes, err := proc.RSS(s.cfg.PID)
	return float64(bytes) / 1024, err
}

// sleep reports whether the time is over, not the context.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
