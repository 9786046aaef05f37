package crowd

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// spent is what had been used by a moment.
type spent struct {
	at      time.Time
	server  proc.Times
	self    proc.Times
	machine time.Duration
	writes  int64
}

// window measures the crowd for cfg.Window, or through a freeze.
func (r *run) window(ctx context.Context, res *Result) error {
	r.mark()
	before, err := spentBy(r.cfg.PID)
	if err != nil {
		return err
	}
	if r.cfg.Frozen > 0 {
		err = r.freezeWindow(ctx, res)
	} else {
		err = sleep(ctx, r.cfg.Window)
	}
	if err != nil {
		return err
	}
	after, err := spentBy(r.cfg.PID)
	if err != nil {
		return err
	}
	r.tally(res, after.at.Sub(before.at))
	r.hearSamples(res, span{before.at, after.at})
	return res.charge(r.cfg.PID, before, after)
}

// mark begins a window for every meter.
func (r *run) mark() {
	r.drain.each(func(m *member) {
		m.mark()
		m.numbers.mark()
	})
	for _, s := range r.samples {
		s.mu.Lock()
		s.meter.mark()
		s.missed = s.missing
		s.mu.Unlock()
	}
}

// tally counts what each player received and who fell behind. Frozen players are only counted in the sum.
func (r *run) tally(res *Result, took time.Duration) {
	res.Seconds = took.Seconds()
	res.Lost = r.failed
	now := time.Now()
	var players []meter
	r.drain.each(func(m *member) {
		res.Bytes += m.bytes - m.marked
		res.Missing += m.numbers.missing - m.numbers.missed
		switch {
		case m.freezes:
			res.Freeze.count(m.lost)
		case m.lost:
			res.Lost++
			r.fault(fmt.Errorf("crowd: a player was disconnected after %d bytes", m.bytes))
		default:
			m.look(now)
			players = append(players, m.meter)
		}
	})
	for _, s := range r.samples {
		s.mu.Lock()
		s.meter.look(now)
		res.Bytes += s.meter.bytes - s.meter.marked
		res.Missing += s.missing - s.missed
		if !s.freezes && s.err == nil {
			players = append(players, s.meter)
		}
		s.mu.Unlock()
	}
	res.judge(players, r.cfg.Rate)
}

// judge counts the stalled and the slow among players. rate is the stream's, in bytes per second, or 0.
func (res *Result) judge(players []meter, rate float64) {
	rates := stat.Each(players, func(m meter) float64 { return float64(m.bytes-m.marked) / res.Seconds })
	res.Rate = stat.Median(rates)
	if rate == 0 {
		rate = res.Rate
	}
	for i, m := range players {
		if m.silence >= stall {
			res.Stalled++
		}
		if rates[i] < slowBelow*rate {
			res.Slow++
		}
	}
}

// hearSamples gathers the delays the parsed players saw within s.
func (r *run) hearSamples(res *Result, s span) {
	var gaps, late []float64
	for _, p := range r.samples {
		pictures, left, err := p.state()
		if p.freezes {
			res.Freeze.resumed(pictures, err)
			continue
		}
		if err != nil {
			res.Lost++
			r.fault(err)
		}
		res.Gaps += left
		gaps = append(gaps, arrivalGaps(pictures, s)...)
		late = append(late, lateness(pictures, s, s)...)
	}
	res.Pictures = len(gaps)
	res.GapMS, res.LateMS = spreadOf(gaps), spreadOf(late)
}

// charge notes what was spent between two moments.
func (res *Result) charge(pid int, before, after spent) error {
	end, err := resident(pid)
	if err != nil {
		return err
	}
	res.Server.EndKB = end
	res.Server.User = (after.server.User - before.server.User).Seconds()
	res.Server.System = (after.server.System - before.server.System).Seconds()
	res.Server.Writes = after.writes - before.writes
	res.Generator.User = (after.self.User - before.self.User).Seconds()
	res.Generator.System = (after.self.System - before.self.System).Seconds()
	other := (after.machine - before.machine).Seconds() - res.Server.Total() - res.Generator.Total()
	res.OtherCPU = max(0, 100*other/res.Seconds)
	return nil
}

// spentBy takes stock. A pid of 0 leaves the server out.
func spentBy(pid int) (s spent, err error) {
	if pid != 0 {
		if s.server, err = proc.CPU(pid); err != nil {
			return s, err
		}
		s.writes, _ = proc.Writes(pid) // not readable for other users' processes; the figure is optional
	}
	if s.machine, err = proc.Machine(); err != nil {
		return s, err
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return s, fmt.Errorf("crowd: getrusage: %w", err)
	}
	s.self = proc.Times{User: time.Duration(usage.Utime.Nano()), System: time.Duration(usage.Stime.Nano())}
	s.at = time.Now()
	return s, nil
}

// resident returns the KB of memory process pid holds, 0 for pid 0.
func resident(pid int) (float64, error) {
	if pid == 0 {
		return 0, nil
	}
	n, err := proc.RSS(pid)
	return float64(n) / 1024, err
}
