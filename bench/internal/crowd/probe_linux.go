package crowd

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"github.com/sluice-media/sluice/bench/internal/stat"
)

// probePause keeps the newcomers from all coming at the same place between two key frames.
const probePause = 170 * time.Millisecond

// probe measures newcomers while the crowd still plays.
func (r *run) probe(ctx context.Context, res *Result) {
	var media, key []float64
	for i := range r.cfg.Probes {
		if sleep(ctx, probePause) != nil {
			return
		}
		m, k, err := newcomer(ctx, &r.cfg, r.cfg.stream(r.cfg.N+i))
		if err != nil {
			res.Lost++
			r.fault(fmt.Errorf("newcomer: %w", err))
			continue
		}
		media, key = append(media, stat.Millis(m)), append(key, stat.Millis(k))
	}
	res.MediaMS, res.KeyMS = spreadOf(media), spreadOf(key)
}

// newcomer plays until the first key frame has come and returns the time from connect to the first media and to it.
func newcomer(ctx context.Context, cfg *Config, u *url.URL) (media, key time.Duration, err error) {
	start := time.Now()
	s, err := newSample(ctx, cfg, u, false)
	if err != nil {
		return 0, 0, err
	}
	defer s.close()
	if err := s.conn.SetDeadline(start.Add(setupTimeout)); err != nil {
		return 0, 0, err
	}
	for s.watcher.FirstKey().IsZero() {
		m, err := s.source.Next()
		if err != nil {
			return 0, 0, err
		}
		if err := s.watcher.Message(m, time.Now()); err != nil {
			return 0, 0, err
		}
	}
	return s.watcher.FirstMedia().Sub(start), s.watcher.FirstKey().Sub(start), nil
}
