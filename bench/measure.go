package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/report"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

const (
	publishLead   = 5 * time.Second // a stream is this old when the first player comes
	probes        = 10
	starts        = 5
	freezeSamples = 20
	freezeFor     = 20 * time.Second // more than the kernel's largest send buffer holds of the clip
	thawed        = 6 * time.Second
)

// bench is one benchmark in progress.
type bench struct {
	options *options
	lab     *lab.Lab
	report  *report.Report
}

// cell is one row of the load part.
type cell struct {
	proto string
	n     int
	merge time.Duration
}

// measure runs the parts that were asked for.
func (b *bench) measure(ctx context.Context) error {
	parts := []struct {
		name string
		run  func(context.Context) error
	}{
		{partStart, b.start},
		{partIdle, b.idle},
		{partLoad, b.load},
		{partHLS, b.hls},
		{partPublish, b.publish},
		{partReceive, b.receive},
		{partRecord, b.record},
		{partPull, b.pull},
		{partSnap, b.snap},
		{partSiege, b.sieges},
		{partStall, b.stall},
		{partFreeze, b.freeze},
	}
	for _, part := range parts {
		if !slices.Contains(b.options.parts, part.name) {
			continue
		}
		if err := part.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// start measures how long the server takes to open its ports.
func (b *bench) start(ctx context.Context) error {
	note("start, %d times", starts)
	for range starts {
		s, err := b.lab.Start(ctx, 0)
		if err != nil {
			return err
		}
		b.report.Starts = append(b.report.Starts, stat.Millis(s.Start))
		s.Stop()
	}
	return nil
}

// idle measures a server nobody plays from, without and with a publisher.
func (b *bench) idle(ctx context.Context) error {
	note("idle")
	s, err := b.lab.Start(ctx, 0)
	if err != nil {
		return err
	}
	defer s.Stop()
	idle := &report.Idle{}
	if idle.BareCPU, idle.BareKB, err = b.rest(ctx, s); err != nil {
		return err
	}
	p, err := b.lab.Publish(ctx, s.PublishURL())
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := lab.Sleep(ctx, publishLead); err != nil {
		return err
	}
	if idle.PublishCPU, idle.PublishedKB, err = b.rest(ctx, s); err != nil {
		return err
	}
	b.report.Idle = idle
	return errors.Join(s.Alive(), p.Alive())
}

// rest returns the percentage of a core the server uses for a window's time, and the KB it holds.
func (b *bench) rest(ctx context.Context, s *lab.Server) (percent, kb float64, err error) {
	before, err := proc.CPU(s.PID())
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	if err := lab.Sleep(ctx, b.options.window); err != nil {
		return 0, 0, err
	}
	after, err := proc.CPU(s.PID())
	if err != nil {
		return 0, 0, err
	}
	percent = 100 * (after.Total() - before.Total()).Seconds() / time.Since(began).Seconds()
	resident, err := proc.RSS(s.PID())
	return percent, float64(resident) / 1024, err
}

// load measures every cell in turn, and that as often as there are rounds, each time followed by its floor, so that a
// machine that changes its speed does so for all of them.
func (b *bench) load(ctx context.Context) error {
	cells := b.options.cells()
	for _, c := range cells {
		b.report.Cells = append(b.report.Cells, report.Cell{Proto: c.proto, N: c.n, Merge: c.merge})
	}
	for round := range b.options.rounds {
		for i, c := range cells {
			note("round %d of %d: %s, %d players, merging %v", round+1, b.options.rounds, c.proto, c.n, c.merge)
			row := &b.report.Cells[i]
			res, err := b.play(ctx, c, lab.Load{Samples: 1, Probes: probes, Window: b.options.window})
			if err != nil {
				return err
			}
			row.Server = append(row.Server, res)
			floor, err := b.lab.Floor(ctx, c.n, c.merge, b.options.window)
			if err != nil {
				return err
			}
			row.Floor = append(row.Floor, floor)
			note("  %.2f CPU-s/GB, floor %.2f", res.PerGB(), floor.PerGB())
		}
	}
	return nil
}

// stall measures one large crowd.
func (b *bench) stall(ctx context.Context) error {
	c := cell{proto: b.options.protos[0], n: b.options.crowd}
	note("%d players", c.n)
	res, err := b.play(ctx, c, lab.Load{Samples: 1, Probes: probes, Window: b.options.window})
	if err != nil {
		return err
	}
	b.report.Stalls = append(b.report.Stalls, res)
	return nil
}

// freeze lets some players stop reading and looks at the others.
func (b *bench) freeze(ctx context.Context) error {
	c := cell{proto: b.options.freezing(), n: b.options.players[0]}
	if c.proto == "" {
		note("no freeze: nothing holds a UDP player's media back")
		return nil
	}
	note("freeze, %d of %d players", b.options.frozen, c.n)
	res, err := b.play(ctx, c, lab.Load{
		Samples: min(freezeSamples, c.n-1), Window: thawed, Frozen: b.options.frozen, FreezeFor: freezeFor,
	})
	if err != nil {
		return err
	}
	b.report.Freeze = res
	return nil
}

// play runs one load against a fresh server with a publisher, or against the one that runs already.
func (b *bench) play(ctx context.Context, c cell, load lab.Load) (*crowd.Result, error) {
	load.Proto, load.N, load.Lax = c.proto, c.n, b.options.lax
	if b.options.pid != 0 {
		load.PID, load.URL = b.options.pid, b.options.url
		return b.lab.Play(ctx, load)
	}
	var res *crowd.Result
	err := b.against(ctx, b.lab, c.merge, func(s *lab.Server) (err error) {
		load.PID = s.PID()
		if load.URL, err = s.PlayURL(c.proto); err != nil {
			return err
		}
		res, err = b.lab.Play(ctx, load)
		return err
	})
	return res, err
}

// against runs a load against a fresh server with a publisher, whose stream has been there for a while.
func (b *bench) against(ctx context.Context, l *lab.Lab, merge time.Duration, load func(*lab.Server) error) error {
	s, err := l.Start(ctx, merge)
	if err != nil {
		return err
	}
	defer s.Stop()
	p, err := l.Publish(ctx, s.PublishURL())
	if err != nil {
		return err
	}
	defer p.Stop()
	if err := lab.Sleep(ctx, publishLead); err != nil {
		return err
	}
	if err := errors.Join(s.Alive(), p.Alive()); err != nil {
		return err
	}
	return errors.Join(load(s), s.Alive(), p.Alive())
}
