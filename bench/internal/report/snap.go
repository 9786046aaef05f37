package report

import (
	"fmt"
	"strings"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// Snap is viewers of many streams while calls for snapshots come in waves.
type Snap struct {
	Streams int             // of which pictures are taken; none if it is 0
	Waves   []float64       // how long each took until all calls were answered, ms
	Runs    int             // of ffmpeg
	AtOnce  int             // of these, at most since the server began
	Viewers []*crowd.Result // one a round
}

func (s *Snap) of() string {
	switch s.Streams {
	case 0:
		return "none"
	case 1:
		return "one stream"
	}
	return fmt.Sprintf("%d streams", s.Streams)
}

// LateP99 returns how late 99 of 100 pictures came at most, in the median round, ms.
func (s *Snap) LateP99() float64 {
	return stat.Median(stat.Each(s.Viewers, func(r *crowd.Result) float64 { return r.LateMS.P99 }))
}

// goals are those of viewers, by their lateness without snapshots, and that no more runs than are needed.
func (s *Snap) goals(base float64) []goal {
	if s.Streams == 0 {
		return nil
	}
	name := "snapshots of " + s.of()
	return []goal{
		{name + ": p99 of the viewers' lateness grows by, ms", s.LateP99() - base, goalSnapMS},
		{name + ": runs of ffmpeg for a picture of each", float64(s.Runs) / float64(max(len(s.Waves)*s.Streams, 1)), 1},
		{name + ": runs of ffmpeg at once", float64(s.AtOnce), goalSnapRuns},
	}
}

func (r *Report) snaps(b *strings.Builder) {
	if len(r.Snaps) == 0 {
		return
	}
	b.WriteString("\n## Snapshots\n\nViewers of 100 streams of 500 kbit/s, while 100 calls of getSnap come at once each second, or as soon as the last are answered. " +
		"Figures of viewers are those of the median round.\n\n")
	var rows [][]string
	for i := range r.Snaps {
		rows = append(rows, r.Snaps[i].row(r.Snaps[0].LateP99()))
	}
	table(b, []string{
		"snapshots of", "late ms p50/p99/max", "p99 more", "waves", "ms a wave", "ffmpeg runs", "at once", "server CPU %", "other %", "stalled/slow/lost",
	}, rows)
}

// row is a line of the table. base is the lateness without snapshots.
func (s *Snap) row(base float64) []string {
	median := func(figure func(*crowd.Result) float64) float64 { return stat.Median(stat.Each(s.Viewers, figure)) }
	sum := func(figure func(*crowd.Result) int) (all int) {
		for _, r := range s.Viewers {
			all += figure(r)
		}
		return all
	}
	return []string{
		s.of(),
		fmt.Sprintf("%.1f/%.1f/%.1f", median(func(r *crowd.Result) float64 { return r.LateMS.P50 }), s.LateP99(), median(func(r *crowd.Result) float64 { return r.LateMS.Max })),
		fmt.Sprintf("%+.1f", s.LateP99()-base), fmt.Sprint(len(s.Waves)), fmt.Sprintf("%.0f", stat.Median(s.Waves)), fmt.Sprint(s.Runs), fmt.Sprint(s.AtOnce),
		fmt.Sprintf("%.0f", median(serverPercent)), fmt.Sprintf("%.0f", median(func(r *crowd.Result) float64 { return r.OtherCPU })),
		fmt.Sprintf("%d/%d/%d", sum(func(r *crowd.Result) int { return r.Stalled }), sum(func(r *crowd.Result) int { return r.Slow }), sum(func(r *crowd.Result) int { return r.Lost })),
	}
}
