package crowd

import (
	"context"
	"time"

	"github.com/sluice-media/sluice/bench/internal/stat"
	"github.com/sluice-media/sluice/bench/internal/watch"
)

// freezeWindow watches everybody for FreezeFor, stops some from reading for as long, thaws them and watches on.
func (r *run) freezeWindow(ctx context.Context, res *Result) error {
	f := &Freeze{Players: r.cfg.Frozen, Seconds: r.cfg.FreezeFor.Seconds()}
	res.Freeze = f
	before, err := r.stretch(ctx, r.cfg.FreezeFor)
	if err != nil {
		return err
	}
	if f.BeforeKB, err = resident(r.cfg.PID); err != nil {
		return err
	}
	r.freeze(true)
	during, err := r.stretch(ctx, r.cfg.FreezeFor)
	if err != nil {
		return err
	}
	if f.DuringKB, err = resident(r.cfg.PID); err != nil {
		return err
	}
	f.thaw = time.Now()
	r.freeze(false)
	r.compare(f, before, during)
	return sleep(ctx, r.cfg.Window)
}

func (r *run) stretch(ctx context.Context, d time.Duration) (span, error) {
	s := span{begin: time.Now()}
	err := sleep(ctx, d)
	s.end = time.Now()
	return s, err
}

// compare sums up the delays of the samples that did not freeze.
func (r *run) compare(f *Freeze, before, during span) {
	var gaps, late [2][]float64
	all := span{before.begin, during.end}
	for _, p := range r.samples {
		if p.freezes {
			continue
		}
		pictures, _, _ := p.state()
		for i, s := range [2]span{before, during} {
			gaps[i] = append(gaps[i], arrivalGaps(pictures, s)...)
			late[i] = append(late[i], lateness(pictures, all, s)...)
		}
	}
	f.GapBefore, f.GapDuring = spreadOf(gaps[0]), spreadOf(gaps[1])
	f.LateBefore, f.LateDuring = spreadOf(late[0]), spreadOf(late[1])
}

// count notes a frozen player that was disconnected.
func (f *Freeze) count(lost bool) {
	if lost {
		f.Lost++
	}
}

// resumed says how the parsed frozen player went on.
func (f *Freeze) resumed(pictures []watch.Picture, err error) {
	if err != nil {
		f.Lost++
		f.Outcome = err.Error()
		return
	}
	skipped, key, found := resumption(pictures, f.thaw, watch.DefaultStep)
	switch {
	case !found:
		f.Outcome = "went on without a gap: everything fitted into the socket buffers"
	case key:
		f.Outcome = "resumed at a key frame"
	default:
		f.Outcome = "resumed at a picture that is no key frame"
	}
	f.SkippedMS, f.ResumedAtKey = stat.Millis(skipped), found && key
}
