package main

import (
	"context"
	"errors"
	"time"

	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/report"
)

const receiveSamples = 20 // viewers

// receive measures a server that receives streams by RTP, each on a port of its own, and that with a quarter, a half and all of them.
func (b *bench) receive(ctx context.Context) error {
	note("making or finding the clip of 1 Mbit/s")
	clip, err := lab.MiddleClip(ctx)
	if err != nil {
		return err
	}
	l, err := b.lab.WithClip(clip)
	if err != nil {
		return err
	}
	for _, share := range [...]int{4, 2, 1} {
		n := b.options.cameras / share
		note("%d receivers of RTP", n)
		row, err := b.receiveMany(ctx, l, n)
		if err != nil {
			return err
		}
		b.report.Receivers = append(b.report.Receivers, *row)
		note("  %.3f %% of a core and %.0f KB each, %d datagrams lost", row.PercentPerStream(), row.StreamKB(), row.Lost)
	}
	return nil
}

// receiveMany measures n streams at a fresh server, first without viewers, then with a few that show what becomes of them.
func (b *bench) receiveMany(ctx context.Context, l *lab.Lab, n int) (*report.Receivers, error) {
	s, err := l.Start(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	bare, err := proc.RSS(s.PID())
	if err != nil {
		return nil, err
	}
	row := &report.Receivers{N: n, BareKB: float64(bare) / 1024}
	ports, err := s.OpenRTP(ctx, n)
	if err != nil {
		return nil, err
	}
	p, err := l.SendRTP(ctx, ports)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	if err := lab.Sleep(ctx, publishLead); err != nil {
		return nil, err
	}
	if err := b.receiving(ctx, s, p, row); err != nil {
		return nil, err
	}
	if row.Viewers, err = b.view(ctx, l, s, n, min(receiveSamples, n)); err != nil {
		return nil, err
	}
	row.Lost, err = s.Dropped(ports)
	return row, errors.Join(err, s.Alive(), p.Alive())
}

// receiving measures the server without viewers.
func (b *bench) receiving(ctx context.Context, s *lab.Server, p *lab.Publisher, row *report.Receivers) error {
	began := time.Now()
	machine, err := proc.Machine()
	if err != nil {
		return err
	}
	sender, err := proc.CPU(p.PID())
	if err != nil {
		return err
	}
	if row.CPU, row.KB, err = b.rest(ctx, s); err != nil {
		return err
	}
	sent, err := proc.CPU(p.PID())
	if err != nil {
		return err
	}
	all, err := proc.Machine()
	if err != nil {
		return err
	}
	percent := 100 / time.Since(began).Seconds()
	row.SenderCPU = percent * (sent.Total() - sender.Total()).Seconds()
	row.OtherCPU = max(0, percent*(all-machine).Seconds()-row.SenderCPU-row.CPU)
	return nil
}
