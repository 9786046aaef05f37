package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/crowd"
)

// Pull is a server that pulls N streams from another.
type Pull struct {
	N       int
	SetUpMS float64       // from the first call until the last pull had its stream
	BareKB  float64       // what the server held before
	KB      float64       // and with all pulls, but no viewer
	CPU     float64       // percent of a core then
	Few     *crowd.Result // with viewers of some streams
	Viewers *crowd.Result // with one of each stream
}

// PercentPerPull returns the share of a core one pull without viewers costs.
func (p *Pull) PercentPerPull() float64 { return p.CPU / float64(p.N) }

// PullKB returns by how much each pull made the server grow.
func (p *Pull) PullKB() float64 { return (p.KB - p.BareKB) / float64(p.N) }

func (r *Report) pulls(b *strings.Builder) {
	if len(r.Pulls) == 0 {
		return
	}
	b.WriteString("\n## Pulls\n\nOne stream of 500 kbit/s, pulled by RTSP as many from another server on the same machine. CPU and memory are without viewers.\n\n")
	var rows [][]string
	for i := range r.Pulls {
		rows = append(rows, r.Pulls[i].row())
	}
	table(b, []string{
		"pulls", "CPU %", "CPU %/pull", "RSS/pull KB", "all there after ms", "late ms p50/p99/max", "with a viewer of each",
		"stalled/slow/lost", "other %",
	}, rows)
}

func (p *Pull) row() []string {
	res := p.Viewers
	late := func(r *crowd.Result) string {
		return fmt.Sprintf("%.0f/%.0f/%.0f", r.LateMS.P50, r.LateMS.P99, r.LateMS.Max)
	}
	return []string{
		fmt.Sprint(p.N), fmt.Sprintf("%.1f", p.CPU), fmt.Sprintf("%.3f", p.PercentPerPull()), fmt.Sprintf("%.0f", p.PullKB()),
		fmt.Sprintf("%.0f", p.SetUpMS), late(p.Few), late(res),
		fmt.Sprintf("%d/%d/%d", res.Stalled, res.Slow, res.Lost), fmt.Sprintf("%.0f", res.OtherCPU),
	}
}

// Demand is newcomers of N streams, each the only one of his, at the server that has them and at an edge, which pulls each for him.
type Demand struct {
	N            int
	Source, Edge *crowd.Result
}

func (r *Report) demand(b *strings.Builder) {
	if r.Demand == nil {
		return
	}
	fmt.Fprintf(b, "\n## Pull on demand\n\nThe first viewers of %d streams, by RTMP: at the server that has them, and at an edge that pulls each by RTSP then.\n\n", r.Demand.N)
	var rows [][]string
	for _, x := range []struct {
		name string
		res  *crowd.Result
	}{{"source", r.Demand.Source}, {"edge", r.Demand.Edge}} {
		key := x.res.KeyMS
		rows = append(rows, []string{x.name, fmt.Sprintf("%.1f/%.1f/%.1f", key.P50, key.P99, key.Max), fmt.Sprint(x.res.Lost)})
	}
	table(b, []string{"at", "first key frame ms p50/p99/max", "lost"}, rows)
}
