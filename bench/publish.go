package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/report"
)

// publish measures many streams with one reader each, and that with a quarter, a half and all of them: what each costs
// should not depend on how many there are.
func (b *bench) publish(ctx context.Context) error {
	for _, proto := range b.options.published() {
		if err := b.publishShares(ctx, proto, ""); err != nil {
			return err
		}
	}
	return nil
}

// record measures the same of the first protocol without and with a recording of each stream: what that costs is the difference.
func (b *bench) record(ctx context.Context) error {
	protos := b.options.published()
	if len(protos) == 0 {
		return nil
	}
	if !slices.Contains(b.options.parts, partPublish) {
		if err := b.publishShares(ctx, protos[0], ""); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "sluice-bench-record")
	if err != nil {
		return err
	}
	return errors.Join(b.publishShares(ctx, protos[0], dir), os.RemoveAll(dir))
}

// publishShares measures a quarter, a half and all of the streams, recorded to a folder if there is one.
func (b *bench) publishShares(ctx context.Context, proto, dir string) error {
	for _, share := range [...]int{4, 2, 1} {
		n := b.options.streams / share
		note("%d %s publishers %s", n, proto, map[bool]string{true: "that are recorded"}[dir != ""])
		row, err := b.publishMany(ctx, proto, dir, n)
		if err != nil {
			return err
		}
		b.report.Publish = append(b.report.Publish, *row)
		note("  %.3f %% of a core and %.0f KB each", row.PercentPerStream(), row.StreamKB())
	}
	return nil
}

// publishMany measures n streams on a fresh server.
func (b *bench) publishMany(ctx context.Context, proto, dir string, n int) (*report.Publish, error) {
	s, err := b.lab.StartRecording(ctx, dir)
	if err != nil {
		return nil, err
	}
	defer s.Stop()
	bare, err := proc.RSS(s.PID())
	if err != nil {
		return nil, err
	}
	url, err := s.PlayURL(proto) // a stream is published where it is played
	if err != nil {
		return nil, err
	}
	p, err := b.lab.PublishMany(ctx, proto, url, n)
	if err != nil {
		return nil, err
	}
	defer p.Stop()
	if err := lab.Sleep(ctx, publishLead); err != nil {
		return nil, err
	}
	res, err := b.lab.Play(ctx, lab.Load{
		Proto: proto, URL: url, N: n, Streams: n, Samples: 1, PID: s.PID(), Window: b.options.window, Lax: b.options.lax,
	})
	if err := errors.Join(err, s.Alive(), p.Alive()); err != nil {
		return nil, err
	}
	return &report.Publish{Proto: proto, Recorded: dir != "", N: n, BareKB: float64(bare) / 1024, Result: res}, nil
}

// lowLab is the lab with the clip of 500 kbit/s, for parts with very many streams.
func (b *bench) lowLab(ctx context.Context) (*lab.Lab, error) {
	note("making or finding the clip of 500 kbit/s")
	clip, err := lab.LowClip(ctx)
	if err != nil {
		return nil, err
	}
	return b.lab.WithClip(clip)
}

// publishMany publishes n streams to a server by RTMP, and returns by which URL they are played.
func publishMany(ctx context.Context, l *lab.Lab, s *lab.Server, n int) (p *lab.Publisher, url string, err error) {
	if url, err = s.PlayURL(protoRTMP); err != nil {
		return nil, "", err
	}
	p, err = l.PublishMany(ctx, protoRTMP, url, n)
	return p, url, err
}
