package main

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/report"
	"github.com/sluice-media/sluice/bench/internal/segments"
)

// hls measures viewers by HLS and by low-latency HLS, each round followed by the floor of as many players.
func (b *bench) hls(ctx context.Context) error {
	for _, low := range []bool{false, true} {
		b.report.HLS = append(b.report.HLS, report.HLS{Low: low})
	}
	for round := range b.options.rounds {
		for i := range b.report.HLS {
			row := &b.report.HLS[i]
			note("round %d of %d: %s, %d viewers", round+1, b.options.rounds, row.Name(), b.options.viewers)
			res, err := b.watch(ctx, row.Low)
			if err != nil {
				return err
			}
			row.Server = append(row.Server, res)
			floor, err := b.lab.Floor(ctx, b.options.viewers, 0, b.options.window)
			if err != nil {
				return err
			}
			row.Floor = append(row.Floor, floor)
			note("  %.2f CPU-s/GB, floor %.2f", res.PerGB(), floor.PerGB())
		}
	}
	return nil
}

// watch runs the viewers against a fresh server with a publisher.
func (b *bench) watch(ctx context.Context, low bool) (*segments.Result, error) {
	proto := "hls"
	if low {
		proto = "ll-hls"
	}
	var res *segments.Result
	err := b.against(ctx, b.lab, 0, func(s *lab.Server) error {
		target, err := s.PlayURL(proto)
		if err != nil {
			return err
		}
		res, err = segments.Run(ctx, segments.Config{
			URL: target, N: b.options.viewers, Low: low, Alone: 20 * time.Second, Settle: 6 * time.Second, Window: b.options.window, PID: s.PID(),
		})
		return err
	})
	return res, err
}
