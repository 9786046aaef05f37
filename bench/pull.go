package main

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/report"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

const (
	pullSettle  = 6 * time.Second // behind the last pull, until the server is at rest
	pullSamples = 20
	demanded    = 50
)

// pull measures a server that pulls one stream many times by RTSP from another, and that with a quarter, a half and all of
// the pulls.
func (b *bench) pull(ctx context.Context) error {
	low, err := b.lowLab(ctx)
	if err != nil {
		return err
	}
	for _, share := range [...]int{4, 2, 1} {
		n := b.options.pulls / share
		note("%d pulls", n)
		row, err := b.pullMany(ctx, low, n)
		if err != nil {
			return err
		}
		b.report.Pulls = append(b.report.Pulls, *row)
		note("  %.3f %% of a core and %.0f KB each", row.PercentPerPull(), row.PullKB())
	}
	return b.demand(ctx, low)
}

// demand measures newcomers of streams that nobody else watches, each of another: at a server that has them, and at an edge of it, which
// pulls each for its viewer.
func (b *bench) demand(ctx context.Context, l *lab.Lab) error {
	note("%d streams pulled on demand", demanded)
	s, err := l.Start(ctx, 0)
	if err != nil {
		return err
	}
	defer s.Stop()
	p, _, err := publishMany(ctx, l, s, demanded)
	if err != nil {
		return err
	}
	defer p.Stop()
	edge, err := l.StartEdge(ctx, s.OriginURL())
	if err != nil {
		return err
	}
	defer edge.Stop()
	if err := lab.Sleep(ctx, publishLead); err != nil {
		return err
	}
	row := &report.Demand{N: demanded}
	if row.Source, err = b.newcomers(ctx, l, s); err != nil {
		return err
	}
	if row.Edge, err = b.newcomers(ctx, l, edge); err != nil {
		return err
	}
	b.report.Demand = row
	return errors.Join(s.Alive(), edge.Alive(), p.Alive())
}

func (b *bench) newcomers(ctx context.Context, l *lab.Lab, s *lab.Server) (*crowd.Result, error) {
	url, err := s.PlayURL(protoRTMP)
	if err != nil {
		return nil, err
	}
	return l.Play(ctx, lab.Load{
		Proto: protoRTMP, URL: url, N: 1, Streams: demanded, Samples: 1, Probes: demanded - 1, PID: s.PID(), Window: time.Second, Lax: b.options.lax,
	})
}

// pullMany measures n pulls by a fresh server.
func (b *bench) pullMany(ctx context.Context, l *lab.Lab, n int) (row *report.Pull, err error) {
	err = b.against(ctx, l, 0, func(source *lab.Server) error {
		url, err := source.PlayURL(protoRTSP)
		if err != nil {
			return err
		}
		row, err = b.pullFrom(ctx, l, url, n)
		return err
	})
	return row, err
}

// pullFrom measures the server first without viewers, then with a few, and with one of each stream, who show whether any comes late.
func (b *bench) pullFrom(ctx context.Context, l *lab.Lab, url string, n int) (*report.Pull, error) {
	s, err := l.Start(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	bare, err := proc.RSS(s.PID())
	if err != nil {
		return nil, err
	}
	row := &report.Pull{N: n, BareKB: float64(bare) / 1024}
	began := time.Now()
	if err := s.Pull(ctx, url, n); err != nil {
		return nil, err
	}
	row.SetUpMS = stat.Millis(time.Since(began))
	if err := lab.Sleep(ctx, pullSettle); err != nil {
		return nil, err
	}
	if row.CPU, row.KB, err = b.rest(ctx, s); err != nil {
		return nil, err
	}
	few := min(pullSamples, n)
	if row.Few, err = b.view(ctx, l, s, n, few); err != nil {
		return nil, err
	}
	row.Viewers, err = b.view(ctx, l, s, n, n)
	return row, errors.Join(err, s.Alive())
}

// view has some viewers, each of another of n streams.
func (b *bench) view(ctx context.Context, l *lab.Lab, s *lab.Server, n, viewers int) (*crowd.Result, error) {
	play, err := s.PlayURL(protoRTMP)
	if err != nil {
		return nil, err
	}
	return l.Play(ctx, lab.Load{
		Proto: protoRTMP, URL: play, N: viewers, Streams: n, Samples: min(pullSamples, n), PID: s.PID(), Window: b.options.window, Lax: b.options.lax,
	})
}
