package publish

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

const (
	setups       = 64 // at the same time
	setupTimeout = 10 * time.Second
	// tick is how often the loop looks what is due. The streams begin at different times within spread, as those of
	// different senders do, so that key frames do not all come at once.
	tick   = 5 * time.Millisecond
	spread = 2 * time.Second
	// listenEvery is how often what the server says is thrown away.
	listenEvery = 200
	// maxBehind is how late a stream may be before the measurement is worth nothing.
	maxBehind = 5 * time.Second
)

// Config says what to publish.
type Config struct {
	Proto string   // "rtmp", "rtsp", or "rtp" for MPEG-PS in RTP by UDP
	URL   *url.URL // stream i is published at wire.Numbered(URL, i); of "rtp" only the host is used, an IP address,
	Ports []int    // and stream i is sent to this port of it
	N     int
	Clip  []byte // an FLV file of H.264 with or without AAC
}

// protoRTP is MPEG-PS in RTP by UDP.
const protoRTP = "rtp"

// publisher is one stream.
type publisher struct {
	conn  net.Conn
	raw   syscall.RawConn
	phase time.Duration // when it begins
	pass  uint32        // through the clip
	step  int
	sent  int // bytes of the step
}

// Run publishes until ctx ends, calls ready once all streams are set up, and returns an error as soon as one is lost
// or the server takes one too slowly.
func Run(ctx context.Context, cfg Config, ready func()) error {
	if cfg.N < 1 || cfg.URL == nil || cfg.Proto != "rtmp" && cfg.Proto != "rtsp" && cfg.Proto != protoRTP || cfg.Proto == protoRTP && len(cfg.Ports) != cfg.N {
		return fmt.Errorf("publish: %d streams of protocol %q", cfg.N, cfg.Proto)
	}
	c, err := parseClip(cfg.Clip)
	if err != nil {
		return err
	}
	if cfg.Proto == protoRTP {
		return runCameras(ctx, &cfg, c, ready)
	}
	f, err := newForm(cfg.Proto, c)
	if err != nil {
		return err
	}
	publishers, err := dialAll(ctx, &cfg, f)
	defer func() {
		for _, p := range publishers {
			p.conn.Close()
		}
	}()
	if err != nil {
		return err
	}
	ready()
	return pace(ctx, f, publishers)
}

// dialAll sets up all streams, and returns those it has when it fails.
func dialAll(ctx context.Context, cfg *Config, f *form) ([]*publisher, error) {
	var mu sync.Mutex
	var out []*publisher
	var failure error
	var workers sync.WaitGroup
	limit := make(chan struct{}, setups)
	for i := range cfg.N {
		limit <- struct{}{}
		workers.Go(func() {
			defer func() { <-limit }()
			p, err := dial(ctx, wire.Numbered(cfg.URL, i), f)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failure = errors.Join(failure, fmt.Errorf("publish: stream %d: %w", i, err))
				return
			}
			p.phase = spread * time.Duration(i) / time.Duration(cfg.N)
			out = append(out, p)
		})
	}
	workers.Wait()
	return out, failure
}

func dial(ctx context.Context, u *url.URL, f *form) (*publisher, error) {
	d := net.Dialer{Timeout: setupTimeout}
	c, err := d.DialContext(ctx, "tcp", u.Host)
	if err != nil {
		return nil, err
	}
	p := &publisher{conn: c}
	if err := p.open(u, f); err != nil {
		c.Close()
		return nil, err
	}
	return p, nil
}

func (p *publisher) open(u *url.URL, f *form) error {
	c, ok := p.conn.(syscall.Conn)
	if !ok {
		return errors.New("no socket")
	}
	var err error
	if p.raw, err = c.SyscallConn(); err != nil {
		return err
	}
	if err := p.conn.SetDeadline(time.Now().Add(setupTimeout)); err != nil {
		return err
	}
	if err := f.greet(p.conn, u); err != nil {
		return err
	}
	return p.conn.SetDeadline(time.Time{})
}

// pace sends to all what is due, over and over.
func pace(ctx context.Context, f *form, publishers []*publisher) error {
	clock := time.NewTicker(tick)
	defer clock.Stop()
	start := time.Now()
	scratch := make([]byte, 64<<10)
	for round := 1; ; round++ {
		select {
		case <-ctx.Done():
			return nil
		case <-clock.C:
		}
		elapsed := time.Since(start)
		for i, p := range publishers {
			err := p.advance(f, elapsed)
			if err == nil && round%listenEvery == 0 {
				err = p.listen(scratch)
			}
			if err != nil {
				return fmt.Errorf("publish: stream %d of %d: %w", i, len(publishers), err)
			}
		}
	}
}

// advance writes the steps that are due.
func (p *publisher) advance(f *form, elapsed time.Duration) error {
	for {
		s := f.steps[p.step]
		late := elapsed - p.phase - time.Duration(p.pass)*f.length - s.at
		if late < 0 {
			return nil
		}
		if late > maxBehind {
			return fmt.Errorf("%v behind: the server does not keep up", late)
		}
		if f.renew != nil {
			f.renew(s, p.pass)
		}
		n, err := p.write(f.data[s.begin+p.sent : s.end])
		p.sent += n
		if err != nil || s.begin+p.sent < s.end {
			return err
		}
		p.sent = 0
		if p.step++; p.step == len(f.steps) {
			p.step = 0
			p.pass++
		}
	}
}

// write writes what the socket takes without waiting: the rest is tried again at the next tick.
func (p *publisher) write(b []byte) (n int, err error) {
	failure := p.raw.Write(func(fd uintptr) bool {
		n, err = syscall.Write(int(fd), b)
		return true
	})
	if errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR) {
		err = nil
	}
	return max(n, 0), errors.Join(failure, err)
}

// listen throws away what the server said: acknowledgements and reports.
func (p *publisher) listen(scratch []byte) error {
	var n int
	var err error
	failure := p.raw.Read(func(fd uintptr) bool {
		n, _, err = syscall.Recvfrom(int(fd), scratch, syscall.MSG_TRUNC|syscall.MSG_DONTWAIT)
		return true
	})
	switch {
	case failure != nil:
		return failure
	case n == 0 && err == nil:
		return errors.New("the server hung up")
	case err != nil && !errors.Is(err, syscall.EAGAIN) && !errors.Is(err, syscall.EINTR):
		return err
	}
	return nil
}
