package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/segments"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// HLS is viewers by HLS, measured several times, each time followed by the floor of as many players.
type HLS struct {
	Low    bool
	Server []*segments.Result
	Floor  []*crowd.Result
}

// Name is what the viewers play by.
func (h *HLS) Name() string {
	if h.Low {
		return "low-latency HLS"
	}
	return "HLS"
}

func (r *Report) hls(b *strings.Builder) {
	if len(r.HLS) == 0 {
		return
	}
	b.WriteString("\n## HLS\n\n")
	var rows [][]string
	for i := range r.HLS {
		rows = append(rows, r.HLS[i].row())
	}
	table(b, []string{
		"protocol", "N", "rounds", "CPU-s/GB", "min–max", "floor", "ratio", "playlists/s", "pieces/s", "first playlist ms",
		"first segment ms", "RSS KB before/1/N", "told later ms p50/p99/max", "faults",
	}, rows)
	b.WriteString("\nTold later: how long after the first viewer the others get the reload that waited for a part.\n")
}

func (h *HLS) row() []string {
	per := stat.Each(h.Server, (*segments.Result).PerGB)
	floor := stat.Each(h.Floor, (*crowd.Result).PerGB)
	median := func(figure func(*segments.Result) float64) float64 { return stat.Median(stat.Each(h.Server, figure)) }
	worst := func(figure func(*segments.Result) float64) float64 { return stat.Max(stat.Each(h.Server, figure)) }
	late := func(q float64) float64 {
		return worst(func(r *segments.Result) float64 { return stat.Quantile(r.LateMS, q) })
	}
	return []string{
		h.Name(), fmt.Sprint(h.Server[0].N), fmt.Sprint(len(h.Server)),
		fmt.Sprintf("**%.2f**", stat.Median(per)), fmt.Sprintf("%.2f–%.2f", stat.Quantile(per, 0), stat.Max(per)),
		fmt.Sprintf("%.2f", stat.Median(floor)), fmt.Sprintf("%.2f", stat.Median(stat.Ratios(per, floor))),
		fmt.Sprintf("%.0f", median(func(r *segments.Result) float64 { return float64(r.Playlists) / r.Seconds })),
		fmt.Sprintf("%.0f", median(func(r *segments.Result) float64 { return float64(r.Pieces) / r.Seconds })),
		fmt.Sprintf("%.1f", worst(func(r *segments.Result) float64 { return r.FirstPlaylistMS })),
		fmt.Sprintf("%.1f", worst(func(r *segments.Result) float64 { return r.FirstPieceMS })),
		fmt.Sprintf("%.0f/%.0f/%.0f", median(func(r *segments.Result) float64 { return r.BeforeKB }),
			median(func(r *segments.Result) float64 { return r.OneKB }), median(func(r *segments.Result) float64 { return r.AllKB })),
		fmt.Sprintf("%.1f/%.1f/%.1f", late(0.5), late(0.99), late(1)),
		fmt.Sprintf("%.0f", worst(func(r *segments.Result) float64 { return float64(len(r.Faults)) })),
	}
}
