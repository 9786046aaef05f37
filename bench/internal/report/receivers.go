package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/crowd"
)

// Receivers is a server that receives N streams by RTP.
type Receivers struct {
	N         int
	BareKB    float64       // what the server held before the first port was opened
	KB        float64       // and with all streams, but no viewer
	CPU       float64       // percent of a core then
	SenderCPU float64       // percent of a core of the process that sends
	OtherCPU  float64       // percent of a core that neither used
	Lost      int           // datagrams that the server's sockets had no room for, or that came to a closed one
	Viewers   *crowd.Result // with viewers of some streams
}

// PercentPerStream returns the share of a core one stream without viewers costs.
func (p *Receivers) PercentPerStream() float64 { return p.CPU / float64(p.N) }

// StreamKB returns by how much each stream made the server grow.
func (p *Receivers) StreamKB() float64 { return (p.KB - p.BareKB) / float64(p.N) }

func (r *Report) receivers(b *strings.Builder) {
	if len(r.Receivers) == 0 {
		return
	}
	b.WriteString("\n## Receivers\n\nStreams of 1 Mbit/s, MPEG-PS in RTP by UDP, each to a port of its own. CPU and memory are without viewers.\n\n")
	var rows [][]string
	for i := range r.Receivers {
		rows = append(rows, r.Receivers[i].row())
	}
	table(b, []string{
		"streams", "CPU %", "CPU %/stream", "RSS/stream KB", "datagrams lost", "late ms p50/p99/max", "stalled/slow/lost", "sender %", "other %",
	}, rows)
}

func (p *Receivers) row() []string {
	res := p.Viewers
	return []string{
		fmt.Sprint(p.N), fmt.Sprintf("%.1f", p.CPU), fmt.Sprintf("**%.3f**", p.PercentPerStream()), fmt.Sprintf("%.0f", p.StreamKB()),
		fmt.Sprint(p.Lost), fmt.Sprintf("%.0f/%.0f/%.0f", res.LateMS.P50, res.LateMS.P99, res.LateMS.Max),
		fmt.Sprintf("%d/%d/%d", res.Stalled, res.Slow, res.Lost), fmt.Sprintf("%.0f", p.SenderCPU), fmt.Sprintf("%.0f", p.OtherCPU),
	}
}
