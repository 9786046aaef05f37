package crowd

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"
)

// maxFaults bounds how many faults a result lists.
const maxFaults = 10

// run is one run in progress.
type run struct {
	cfg     Config
	addr    *net.TCPAddr
	drain   *drain
	readers sync.WaitGroup // the samples' goroutines

	mu      sync.Mutex
	samples []*sample
	failed  int // set-ups
	faults  []string
}

// Run plays the stream as cfg says and returns what it saw. A server that serves badly is no error but a bad result:
// look at its Faults and counts. The error is for what kept the run from being made.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	addr, err := net.ResolveTCPAddr("tcp", cfg.URL.Host)
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	r := &run{cfg: cfg, addr: addr, drain: newDrain()}
	defer r.close()
	return r.measure(ctx)
}

func (r *run) measure(ctx context.Context) (*Result, error) {
	res := &Result{Proto: r.cfg.Proto, N: r.cfg.N}
	start, err := resident(r.cfg.PID)
	if err != nil {
		return nil, err
	}
	res.Server.StartKB = start
	began := time.Now()
	r.join(ctx)
	res.JoinMS = float64(time.Since(began).Milliseconds())
	if err := sleep(ctx, r.cfg.Settle); err != nil {
		return nil, err
	}
	if err := r.window(ctx, res); err != nil {
		return nil, err
	}
	r.probe(ctx, res)
	res.Faults = r.faults
	return res, ctx.Err()
}

// join sets all players up, cfg.Setups at a time.
func (r *run) join(ctx context.Context) {
	var workers sync.WaitGroup
	numbers := make(chan int)
	for range min(r.cfg.Setups, r.cfg.N) {
		workers.Go(func() {
			for i := range numbers {
				r.joinOne(ctx, i)
			}
		})
	}
	for i := range r.cfg.N {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
}

// joinOne sets player number i up: the first ones are parsed, and frozen players are the first of either kind.
func (r *run) joinOne(ctx context.Context, i int) {
	parsed := r.cfg.parsed()
	var err error
	if i < parsed {
		err = r.joinSample(ctx, r.cfg.stream(i), r.cfg.Frozen > 0 && i == 0)
	} else {
		err = r.joinMember(r.cfg.stream(i), i-parsed < r.cfg.Frozen-1)
	}
	if err != nil {
		r.fail(err)
	}
}

func (r *run) joinSample(ctx context.Context, u *url.URL, freezes bool) error {
	s, err := newSample(ctx, &r.cfg, u, freezes)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
	r.readers.Go(s.run)
	return nil
}

func (r *run) joinMember(u *url.URL, freezes bool) error {
	c, err := dial(r.addr, setupTimeout, freezes)
	if err != nil {
		return err
	}
	m := &member{conn: c, freezes: freezes}
	if err := m.ask(r.cfg.Proto, u); err != nil {
		m.close()
		return err
	}
	r.drain.join(m)
	return nil
}

// fail notes a player that could not be set up.
func (r *run) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed++
	r.fault(err)
}

// fault notes what went wrong, each kind once. The lock is held, or nobody else runs any more.
func (r *run) fault(err error) {
	if text := err.Error(); len(r.faults) < maxFaults && !slices.Contains(r.faults, text) {
		r.faults = append(r.faults, text)
	}
}

// close disconnects everybody and waits for all goroutines.
func (r *run) close() {
	r.freeze(false)
	for _, s := range r.samples {
		s.close()
	}
	r.readers.Wait()
	r.drain.close()
}

func (r *run) freeze(on bool) {
	r.drain.freeze(on)
	for _, s := range r.samples {
		if s.freezes {
			s.gate.set(on)
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}
