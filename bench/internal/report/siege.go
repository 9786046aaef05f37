package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/siege"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

func (r *Report) sieges(b *strings.Builder) {
	if len(r.Sieges) == 0 {
		return
	}
	b.WriteString("\n## Sieges\n\nPeers of one address hold what they can, while honest viewers come by RTMP one after the other.\n\n")
	var rows [][]string
	for _, s := range r.Sieges {
		rows = append(rows, siegeRow(s))
	}
	table(b, []string{"peers", "open at most", "first key frame ms p50/p99/max", "viewers", "lost", "RSS MB before", "at most", "after", "after s"}, rows)
}

func siegeRow(s *siege.Result) []string {
	mb := func(kb float64) string { return fmt.Sprintf("%.1f", kb/1024) }
	return []string{
		fmt.Sprintf("%d %s", s.N, s.Name), fmt.Sprint(s.Held),
		fmt.Sprintf("%.1f/%.1f/%.1f", stat.Median(s.KeyMS), stat.Quantile(s.KeyMS, 0.99), stat.Max(s.KeyMS)),
		fmt.Sprint(len(s.KeyMS)), fmt.Sprint(s.Lost), mb(s.BeforeKB), mb(s.PeakKB), mb(s.AfterKB), fmt.Sprintf("%.1f", s.EbbSeconds),
	}
}

func siegeGoals(s *siege.Result) []goal {
	name := fmt.Sprintf("siege by %d %s", s.N, s.Name)
	return []goal{
		{name + ": first key frame at most, ms", stat.Max(s.KeyMS), goalSiegeMS},
		{name + ": memory kept behind, MB", (s.AfterKB - s.BeforeKB) / 1024, siege.Ebbed / 1024},
	}
}
