package main

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/siege"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// siegeTime is how long a siege lasts: longer than the server has patience with anybody.
const siegeTime = 30 * time.Second

// sieges measures honest viewers while others hold what they can.
func (b *bench) sieges(ctx context.Context) error {
	note("making or finding the clip of large pictures")
	clip, err := lab.BigClip(ctx)
	if err != nil {
		return err
	}
	big, err := b.lab.WithClip(clip)
	if err != nil {
		return err
	}
	for _, kind := range siege.Kinds() {
		note("siege: %d %s", kind.N, kind.Name)
		if err := b.siege(ctx, big, kind); err != nil {
			return err
		}
	}
	return nil
}

// siege measures one against a fresh server.
func (b *bench) siege(ctx context.Context, big *lab.Lab, kind siege.Kind) error {
	return b.against(ctx, b.lab, 0, func(s *lab.Server) error {
		cfg := siege.Config{Kind: kind, PID: s.PID(), For: siegeTime}
		cfg.RTMP, cfg.HTTP, cfg.RTSP, cfg.Stream = s.Addresses()
		cfg.Besieged = cfg.Stream + "-other"
		if kind.Big {
			p, err := big.Publish(ctx, "rtmp://"+cfg.RTMP+cfg.Besieged)
			if err != nil {
				return err
			}
			defer p.Stop()
			if err := lab.Sleep(ctx, publishLead); err != nil {
				return errors.Join(err, p.Alive())
			}
		}
		res, err := siege.Run(ctx, cfg)
		if err != nil {
			return err
		}
		note("  %.0f ms at most, %.0f MB more at most", stat.Max(res.KeyMS), (res.PeakKB-res.BeforeKB)/1024)
		b.report.Sieges = append(b.report.Sieges, res)
		return nil
	})
}
