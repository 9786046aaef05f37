package segments

import (
	"context"
	"fmt"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// counters are those of all viewers.
type counters struct {
	bytes, playlists, pieces atomic.Int64

	mu    sync.Mutex
	first map[[2]int]time.Time // when the first viewer was told of a part
	late  []float64            // by how many ms the others were told later; nil while it is not measured
	on    bool
}

// told takes note that a viewer has been told of a part.
func (c *counters) told(msn, part int) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	first, known := c.first[[2]int{msn, part}]
	switch {
	case !known:
		c.first[[2]int{msn, part}] = now
	case c.on:
		c.late = append(c.late, stat.Millis(now.Sub(first)))
	}
}

func (c *counters) measure(on bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.on = on
}

// Run watches, and measures what it costs the server.
func Run(ctx context.Context, cfg Config) (*Result, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil {
		return nil, err
	}
	res := &Result{N: cfg.N, Low: cfg.Low}
	count := &counters{first: map[[2]int]time.Time{}}
	if res.BeforeKB, err = resident(cfg.PID); err != nil {
		return nil, err
	}
	if err := res.begin(ctx, u, count, cfg.Alone); err != nil {
		return nil, err
	}
	if res.OneKB, err = resident(cfg.PID); err != nil {
		return nil, err
	}
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	faults := make(chan error, cfg.N)
	for i := range cfg.N {
		go func() {
			select { // not all in one moment
			case <-time.After(time.Duration(i) * 2 * time.Second / time.Duration(cfg.N)):
			case <-running.Done():
			}
			faults <- watch(running, u, count, cfg.Low)
		}()
	}
	err = res.window(ctx, cfg, count)
	cancel()
	for range cfg.N {
		if fault := <-faults; fault != nil {
			res.Faults = append(res.Faults, fault.Error())
		}
	}
	res.LateMS = count.late
	return res, err
}

// begin is the first viewer of the stream, which nobody has watched by HLS.
func (r *Result) begin(ctx context.Context, u *url.URL, count *counters, alone time.Duration) error {
	began := time.Now()
	v, err := dial(ctx, u, count)
	if err != nil {
		return err
	}
	defer v.conn.Close()
	text, err := v.get("", true)
	if err != nil {
		return err
	}
	r.FirstPlaylistMS = stat.Millis(time.Since(began))
	p := parse(text)
	if len(p.segments) == 0 {
		return fmt.Errorf("segments: the first playlist has none:\n%s", text)
	}
	if _, err := v.get(p.segments[0], false); err != nil {
		return err
	}
	r.FirstPieceMS = stat.Millis(time.Since(began))
	ctx, cancel := context.WithTimeout(ctx, alone)
	defer cancel()
	return v.watch(ctx, false) // until there is as much as there will be
}

func watch(ctx context.Context, u *url.URL, count *counters, low bool) error {
	v, err := dial(ctx, u, count)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	defer v.conn.Close()
	return v.watch(ctx, low)
}

// window measures.
func (r *Result) window(ctx context.Context, cfg Config, count *counters) error {
	if err := sleep(ctx, cfg.Settle); err != nil {
		return err
	}
	count.measure(true)
	bytes, playlists, pieces := count.bytes.Load(), count.playlists.Load(), count.pieces.Load()
	before, err := proc.CPU(cfg.PID)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := sleep(ctx, cfg.Window); err != nil {
		return err
	}
	after, err := proc.CPU(cfg.PID)
	if err != nil {
		return err
	}
	count.measure(false)
	r.Seconds = time.Since(began).Seconds()
	r.CPU = after.Total() - before.Total()
	r.Bytes, r.Playlists, r.Pieces = count.bytes.Load()-bytes, count.playlists.Load()-playlists, count.pieces.Load()-pieces
	r.AllKB, err = resident(cfg.PID)
	return err
}

func resident(pid int) (float64, error) {
	n, err := proc.RSS(pid)
	return float64(n) / 1024, err
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
