package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

func (r *Report) load(b *strings.Builder) {
	if len(r.Cells) == 0 {
		return
	}
	b.WriteString("\n## Load\n\n")
	var rows [][]string
	for i := range r.Cells {
		rows = append(rows, r.Cells[i].row())
	}
	table(b, []string{
		"protocol", "N", "merge ms", "rounds", "CPU-s/GB", "min–max", "floor", "ratio", "CPU %", "generator %",
		"other %", "RSS/player KB", "writes/player/s", "stalled/slow/lost", "first media ms", "first key ms", "gap ms p50/p99/max",
		"RTP lost",
	}, rows)
	b.WriteString("\nFirst media and first key: median (maximum) of newcomers that join while the crowd plays.\n")
}

func (c *Cell) row() []string {
	per := c.PerGB()
	return []string{
		c.Proto, fmt.Sprint(c.N), fmt.Sprint(c.Merge.Milliseconds()), fmt.Sprint(len(c.Server)),
		fmt.Sprintf("**%.2f**", stat.Median(per)),
		fmt.Sprintf("%.2f–%.2f", stat.Quantile(per, 0), stat.Max(per)),
		c.floor(), figure("%.2f", c.Ratio()),
		fmt.Sprintf("%.1f", c.median(serverPercent)),
		fmt.Sprintf("%.1f", c.median(generatorPercent)),
		fmt.Sprintf("%.0f/%.0f", c.median(others), stat.Median(stat.Each(c.Floor, others))),
		fmt.Sprintf("%.1f", c.median((*crowd.Result).PlayerKB)),
		figure("%.1f", c.median((*crowd.Result).WritesPerPlayer)),
		fmt.Sprintf("%.0f/%.0f/%.0f", c.worst(stalled), c.worst(slow), c.worst(lost)),
		c.newcomer(func(r *crowd.Result) crowd.Spread { return r.MediaMS }),
		c.newcomer(func(r *crowd.Result) crowd.Spread { return r.KeyMS }),
		c.gaps(), c.missing(),
	}
}

func (c *Cell) newcomer(part func(*crowd.Result) crowd.Spread) string {
	return fmt.Sprintf("%.1f (%.1f)",
		c.median(func(r *crowd.Result) float64 { return part(r).P50 }),
		c.worst(func(r *crowd.Result) float64 { return part(r).Max }))
}

func (c *Cell) gaps() string {
	return fmt.Sprintf("%.0f/%.0f/%.0f",
		c.median(func(r *crowd.Result) float64 { return r.GapMS.P50 }),
		c.median(func(r *crowd.Result) float64 { return r.GapMS.P99 }),
		c.worst(func(r *crowd.Result) float64 { return r.GapMS.Max }))
}

// floor returns the floor's figure; for UDP it says that it is that of TCP.
func (c *Cell) floor() string {
	text := figure("%.2f", stat.Median(c.FloorPerGB()))
	if c.Proto == protoUDP || c.Proto == protoRTP {
		text += " (TCP)"
	}
	return text
}

// missing returns how many RTP packets the parsed player, or all players of RTP, did not get in the worst round.
func (c *Cell) missing() string {
	if !strings.HasPrefix(c.Proto, "rtsp") && c.Proto != protoRTP {
		return "–"
	}
	return fmt.Sprintf("%.0f", c.worst(missing))
}

func missing(r *crowd.Result) float64 { return float64(r.Missing) }

func (r *Report) stalls(b *strings.Builder) {
	if len(r.Stalls) == 0 {
		return
	}
	b.WriteString("\n## Large crowds\n\n")
	var rows [][]string
	for _, s := range r.Stalls {
		rows = append(rows, []string{
			s.Proto, fmt.Sprint(s.N), fmt.Sprintf("%.2f", s.PerGB()), fmt.Sprintf("%.0f", serverPercent(s)),
			fmt.Sprintf("%.0f", generatorPercent(s)), fmt.Sprintf("%.1f", s.PlayerKB()), fmt.Sprintf("%.0f", s.JoinMS),
			fmt.Sprintf("%d/%d/%d", s.Stalled, s.Slow, s.Lost), fmt.Sprintf("%.0f", s.GapMS.Max),
		})
	}
	table(b, []string{
		"protocol", "N", "CPU-s/GB", "CPU %", "generator %", "RSS/player KB", "all joined after ms",
		"stalled/slow/lost", "longest gap ms",
	}, rows)
}

func (r *Report) freeze(b *strings.Builder) {
	if r.Freeze == nil || r.Freeze.Freeze == nil {
		return
	}
	f := r.Freeze.Freeze
	fmt.Fprintf(b, "\n## Freeze\n\n%d of %d %s players stopped reading for %.0f s.\n\n",
		f.Players, r.Freeze.N, r.Freeze.Proto, f.Seconds)
	row := func(name string, before, during crowd.Spread) []string {
		return []string{
			name, fmt.Sprintf("%.1f/%.1f/%.1f", before.P50, before.P99, before.Max),
			fmt.Sprintf("%.1f/%.1f/%.1f", during.P50, during.P99, during.Max), fmt.Sprintf("%+.1f", during.P99-before.P99),
		}
	}
	table(b, []string{"at the other samples, ms p50/p99/max", "before", "during", "p99 change"}, [][]string{
		row("gap between pictures", f.GapBefore, f.GapDuring),
		row("lateness by the stamps", f.LateBefore, f.LateDuring),
	})
	fmt.Fprintf(b, "\nServer memory: %.0f KB before, %.0f KB at the end of the freeze. ", f.BeforeKB, f.DuringKB)
	fmt.Fprintf(b, "The parsed frozen player %s; %.0f ms of media were left out. Frozen players disconnected: %d.\n",
		f.Outcome, f.SkippedMS, f.Lost)
}

func (r *Report) rest(b *strings.Builder) {
	if r.Idle != nil {
		fmt.Fprintf(b, "\n## Idle\n\nWithout a publisher: %.1f %% of a core, %.0f KB. With one and no player: %.1f %%, %.0f KB.\n",
			r.Idle.BareCPU, r.Idle.BareKB, r.Idle.PublishCPU, r.Idle.PublishedKB)
	}
	if len(r.Starts) > 0 {
		fmt.Fprintf(b, "\n## Start\n\nPorts accept %.0f ms after the start of the process (median of %d; slowest %.0f ms).\n",
			stat.Median(r.Starts), len(r.Starts), stat.Max(r.Starts))
	}
}

// figure formats v, and a dash for 0, which stands for "not known".
func figure(format string, v float64) string {
	if v == 0 {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

func serverPercent(r *crowd.Result) float64    { return r.Server.Percent(r.Seconds) }
func generatorPercent(r *crowd.Result) float64 { return r.Generator.Percent(r.Seconds) }
func others(r *crowd.Result) float64           { return r.OtherCPU }
func stalled(r *crowd.Result) float64          { return float64(r.Stalled) }
func slow(r *crowd.Result) float64             { return float64(r.Slow) }
func lost(r *crowd.Result) float64             { return float64(r.Lost) }
