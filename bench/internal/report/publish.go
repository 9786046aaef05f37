package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/crowd"
)

// Publish is one protocol with N publishers and a reader of each stream.
type Publish struct {
	Proto    string
	N        int
	Recorded bool    // each stream is recorded as MP4
	BareKB   float64 // what the server held before the first publisher came
	Result   *crowd.Result
}

// PercentPerStream returns the share of a core one stream and its reader cost the server.
func (p *Publish) PercentPerStream() float64 { return serverPercent(p.Result) / float64(p.N) }

// StreamKB returns by how much each stream with its two connections made the server grow.
func (p *Publish) StreamKB() float64 { return (p.Result.Server.EndKB - p.BareKB) / float64(p.N) }

func (r *Report) publishers(b *strings.Builder) {
	if len(r.Publish) == 0 {
		return
	}
	b.WriteString("\n## Publishers\n\nEvery stream has a publisher and one reader of the same protocol.\n\n")
	var rows [][]string
	for i := range r.Publish {
		rows = append(rows, r.Publish[i].row())
	}
	table(b, []string{
		"protocol", "streams", "CPU %", "CPU %/stream", "CPU-s/GB read", "RSS/stream KB", "readers %", "other %",
		"stalled/slow/lost", "gap ms p50/p99/max",
	}, rows)
}

func (p *Publish) row() []string {
	res, proto := p.Result, p.Proto
	if p.Recorded {
		proto += ", recorded"
	}
	return []string{
		proto, fmt.Sprint(p.N), fmt.Sprintf("%.1f", serverPercent(res)), fmt.Sprintf("%.3f", p.PercentPerStream()),
		fmt.Sprintf("**%.2f**", res.PerGB()), fmt.Sprintf("%.0f", p.StreamKB()),
		fmt.Sprintf("%.1f", generatorPercent(res)), fmt.Sprintf("%.0f", res.OtherCPU),
		fmt.Sprintf("%d/%d/%d", res.Stalled, res.Slow, res.Lost),
		fmt.Sprintf("%.0f/%.0f/%.0f", res.GapMS.P50, res.GapMS.P99, res.GapMS.Max),
	}
}
