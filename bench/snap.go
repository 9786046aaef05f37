package main

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/report"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

const (
	snapStreams = 100 // each with a publisher and viewers
	snapAtOnce  = 100 // calls of getSnap
	snapViewers = 2   // of each stream
	snapWave    = time.Second
	snapWaves   = 3 // kinds of them: none, of one stream, of all
)

// snap measures how late viewers of many streams get their pictures while nobody wants a snapshot, while many at once want one of the same
// stream, and while each of them wants one of another. They want them again each second, or as soon as all have the last.
func (b *bench) snap(ctx context.Context) error {
	low, err := b.lowLab(ctx)
	if err != nil {
		return err
	}
	s, runs, err := low.StartCounting(ctx)
	if err != nil {
		return err
	}
	defer s.Stop()
	p, url, err := publishMany(ctx, low, s, snapStreams)
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := lab.Sleep(ctx, publishLead); err != nil {
		return err
	}
	b.report.Snaps = []report.Snap{{Streams: 0}, {Streams: 1}, {Streams: snapStreams}}
	for round := range b.options.rounds {
		for i := range snapWaves {
			row := &b.report.Snaps[i]
			note("round %d of %d: snapshots of %d streams", round+1, b.options.rounds, row.Streams)
			if err := b.snapWhile(ctx, low, s, url, runs, row); err != nil {
				return err
			}
		}
	}
	return errors.Join(s.Alive(), p.Alive())
}

// snapWhile has waves of calls while the viewers watch.
func (b *bench) snapWhile(ctx context.Context, l *lab.Lab, s *lab.Server, url string, runs *lab.Runs, row *report.Snap) error {
	before, err := runs.Count()
	if err != nil {
		return err
	}
	snapping, stop := context.WithCancel(ctx)
	defer stop()
	waves := make(chan error, 1)
	go func() { waves <- snapWavesOf(snapping, s, row) }()
	res, err := l.Play(ctx, lab.Load{
		Proto: protoRTMP, URL: url, N: snapViewers * snapStreams, Streams: snapStreams, Samples: snapStreams, PID: s.PID(),
		Window: b.options.window, Lax: b.options.lax,
	})
	stop()
	if err := errors.Join(err, <-waves); err != nil {
		return err
	}
	after, err := runs.Count()
	if err != nil {
		return err
	}
	row.Runs += after.Begun - before.Begun
	row.AtOnce = max(row.AtOnce, after.AtOnce)
	row.Viewers = append(row.Viewers, res)
	note("  p99 %.1f ms late", res.LateMS.P99)
	return nil
}

// snapWavesOf asks again and again, until ctx ends. A wave that has begun is waited for.
func snapWavesOf(ctx context.Context, s *lab.Server, row *report.Snap) error {
	if row.Streams == 0 {
		return nil
	}
	snapper := s.NewSnapper(snapAtOnce)
	defer snapper.Close()
	turn := time.NewTicker(snapWave)
	defer turn.Stop()
	for ctx.Err() == nil {
		began := time.Now()
		if err := snapper.Snap(context.WithoutCancel(ctx), snapAtOnce, row.Streams); err != nil {
			return err
		}
		row.Waves = append(row.Waves, stat.Millis(time.Since(began)))
		select {
		case <-ctx.Done():
		case <-turn.C:
		}
	}
	return nil
}
