package crowd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/bench/internal/watch"
	"github.com/sluice-media/sluice/bench/internal/wire"
)

// sample is one player that is parsed to the end, in a goroutine of its own.
type sample struct {
	conn    net.Conn
	source  wire.Source
	freezes bool
	gate    gate

	mu      sync.Mutex
	meter   meter
	watcher watch.Watcher
	missing int   // RTP packets so far
	missed  int   // and at the mark
	err     error // why it ended; nil while it plays
}

// gate holds back a sample's reads while it is shut.
type gate struct {
	mu   sync.Mutex
	shut bool
	cond *sync.Cond
}

func (g *gate) set(shut bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut = shut
	g.cond.Broadcast()
}

func (g *gate) wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.shut {
		g.cond.Wait()
	}
}

// newSample connects and asks for the stream at u.
func newSample(ctx context.Context, cfg *Config, u *url.URL, freezes bool) (*sample, error) {
	s := &sample{freezes: freezes, watcher: watch.Watcher{Strict: !cfg.Lax}}
	s.gate.cond = sync.NewCond(&s.gate.mu)
	s.meter.last = time.Now()
	d := net.Dialer{Timeout: setupTimeout}
	if freezes {
		d.Control = narrowed
	}
	c, err := d.DialContext(ctx, "tcp", cfg.URL.Host)
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	s.conn = c
	if err := s.ask(cfg.Proto, u); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// narrowed is narrow as a net.Dialer wants it.
func narrowed(_, _ string, raw syscall.RawConn) error {
	var failure error
	err := raw.Control(func(fd uintptr) { failure = narrow(int(fd)) })
	return errors.Join(err, failure)
}

func (s *sample) ask(proto string, u *url.URL) error {
	if err := s.conn.SetDeadline(time.Now().Add(setupTimeout)); err != nil {
		return err
	}
	source, err := s.play(proto, u)
	if err != nil {
		return err
	}
	s.source = source
	return s.conn.SetDeadline(time.Time{})
}

func (s *sample) play(proto string, u *url.URL) (wire.Source, error) {
	if proto == protoUDP {
		return s.playUDP(u)
	}
	return wire.Play(proto, s, u)
}

// close disconnects. A sample that runs ends by it.
func (s *sample) close() {
	s.conn.Close()
	if d, ok := s.source.(*datagrams); ok {
		d.close()
	}
}

// Read implements io.Reader for the protocol: the connection behind the gate, metered.
func (s *sample) Read(b []byte) (int, error) {
	s.gate.wait()
	n, err := s.conn.Read(b)
	s.received(n)
	return n, err
}

// received meters n bytes that came now.
func (s *sample) received(n int) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.meter.look(now)
	s.meter.add(n, now)
}

// Write implements io.Writer for the protocol.
func (s *sample) Write(b []byte) (int, error) { return s.conn.Write(b) }

// run parses until the connection ends or its bytes are wrong.
func (s *sample) run() {
	for {
		m, err := s.source.Next()
		now := time.Now()
		s.mu.Lock()
		if err == nil {
			err = s.watcher.Message(m, now)
		}
		s.err = err
		if rtp, ok := s.source.(interface{ Missing() int }); ok {
			s.missing = rtp.Missing()
		}
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// state returns what the sample has seen so far and why it ended, if it did.
func (s *sample) state() (pictures []watch.Picture, gaps int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.watcher.Pictures()), s.watcher.Gaps(), s.err
}
