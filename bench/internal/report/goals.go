package report

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// The goals the server was written for. They are meant for 500 players, a 2 s GOP and two cores.
const (
	goalRatio     = 1.4
	goalMerged    = 0.35 // CPU-s/GB with mergedWindow
	goalUDP       = 2.0  // CPU-s/GB of protoUDP
	goalPlayerKB  = 12
	goalKeyMS     = 20
	goalIdle      = 1 // percent of a core
	goalStartMS   = 100
	goalFreezeMS  = 5
	goalSnapMS    = 5
	goalSnapRuns  = 2 // of ffmpeg at once
	goalSiegeMS   = 100
	goalPlayers   = 500
	goalRTP       = 1.4 // CPU of protoRTP by that of protoUDP
	protoUDP      = "rtsp-udp"
	protoRTP      = "rtp"
	mergedWindow  = 300 * time.Millisecond
	unmetVerdict  = "**missed**"
	metVerdict    = "met"
	faultsVerdict = "**faults**"
)

// goal is one figure and the most it may be.
type goal struct {
	name   string
	figure float64
	limit  float64
}

func (g goal) row() []string {
	verdict := metVerdict
	if g.figure > g.limit {
		verdict = unmetVerdict
	}
	return []string{g.name, fmt.Sprintf("%.2f", g.figure), fmt.Sprintf("%.2f", g.limit), verdict}
}

func (r *Report) goals(b *strings.Builder) {
	var rows [][]string
	for _, g := range r.list() {
		rows = append(rows, g.row())
	}
	if f := r.frozen(); f != nil {
		verdict := metVerdict
		if !f.ResumedAtKey {
			verdict = unmetVerdict
		}
		rows = append(rows, []string{"thawed player resumes at a key frame", f.Outcome, "", verdict})
	}
	for _, fault := range r.Faults() {
		rows = append(rows, []string{"no faults", fault, "", faultsVerdict})
	}
	b.WriteString("\n## Goals\n\n")
	table(b, []string{"goal", "measured", "at most", ""}, rows)
}

// list collects the goals that this report has figures for.
func (r *Report) list() []goal {
	var out []goal
	for i := range r.Cells {
		out = append(out, r.Cells[i].goals()...)
		out = append(out, r.sent(&r.Cells[i])...)
	}
	for i := range r.Receivers {
		name := fmt.Sprintf("%d receivers of RTP: datagrams lost", r.Receivers[i].N)
		out = append(out, goal{name, float64(r.Receivers[i].Lost), 0})
	}
	for _, s := range r.Stalls {
		name := fmt.Sprintf("%s, %d players: stalled, slow or lost", s.Proto, s.N)
		out = append(out, goal{name, float64(s.Stalled + s.Slow + s.Lost), 0})
	}
	if f := r.frozen(); f != nil {
		out = append(
			out,
			goal{"freeze: p99 of the others' gaps grows by, ms", f.GapDuring.P99 - f.GapBefore.P99, goalFreezeMS},
			goal{"freeze: p99 of the others' lateness grows by, ms", f.LateDuring.P99 - f.LateBefore.P99, goalFreezeMS},
		)
	}
	for i := range r.Snaps {
		out = append(out, r.Snaps[i].goals(r.Snaps[0].LateP99())...)
	}
	for _, s := range r.Sieges {
		out = append(out, siegeGoals(s)...)
	}
	if r.Idle != nil {
		out = append(out, goal{"publisher and no player, % of a core", r.Idle.PublishCPU, goalIdle})
	}
	if len(r.Starts) > 0 {
		out = append(out, goal{"ports open, ms after start", stat.Median(r.Starts), goalStartMS})
	}
	return out
}

func (c *Cell) goals() []goal {
	if c.N != goalPlayers {
		return nil
	}
	name := fmt.Sprintf("%s, %d players", c.Proto, c.N)
	if c.Merge == mergedWindow && c.Proto != protoUDP {
		return []goal{{name + ", merging 300 ms: CPU-s/GB", stat.Median(c.PerGB()), goalMerged}}
	}
	if c.Merge != 0 {
		return nil
	}
	if c.Proto == protoUDP { // a datagram each 1400 bytes: the floor of TCP is out of reach
		return []goal{{name + ": CPU-s/GB", stat.Median(c.PerGB()), goalUDP}}
	}
	if c.Proto == protoRTP {
		return []goal{{name + ": packets lost", c.worst(missing), 0}}
	}
	out := []goal{
		{name + ": memory per player, KB", c.median((*crowd.Result).PlayerKB), goalPlayerKB},
		{name + ": first key frame, ms", c.median(func(r *crowd.Result) float64 { return r.KeyMS.P50 }), goalKeyMS},
	}
	if ratio := c.Ratio(); ratio != 0 {
		out = append([]goal{{name + ": CPU by the floor's", ratio, goalRatio}}, out...)
	}
	return out
}

// sent compares senders of RTP with as many players of RTSP by UDP of the same rounds.
func (r *Report) sent(c *Cell) []goal {
	if c.Proto != protoRTP || c.N != goalPlayers || c.Merge != 0 {
		return nil
	}
	for i := range r.Cells {
		if udp := &r.Cells[i]; udp.Proto == protoUDP && udp.N == c.N && udp.Merge == c.Merge {
			return []goal{{fmt.Sprintf("%s, %d players: CPU by that of %s", c.Proto, c.N, protoUDP), stat.Median(stat.Ratios(c.PerGB(), udp.PerGB())), goalRTP}}
		}
	}
	return nil
}

func (r *Report) frozen() *crowd.Freeze {
	if r.Freeze == nil {
		return nil
	}
	return r.Freeze.Freeze
}

// Faults returns what went wrong at players in any run: what no measurement should show.
func (r *Report) Faults() []string {
	var out []string
	add := func(results ...*crowd.Result) {
		for _, res := range results {
			if res == nil {
				continue
			}
			for _, fault := range res.Faults {
				out = append(out, fmt.Sprintf("%s, %d players: %s", res.Proto, res.N, fault))
			}
		}
	}
	for i := range r.Cells {
		add(r.Cells[i].Server...)
		add(r.Cells[i].Floor...)
	}
	for i := range r.Publish {
		add(r.Publish[i].Result)
	}
	for i := range r.Receivers {
		add(r.Receivers[i].Viewers)
	}
	for i := range r.HLS {
		add(r.HLS[i].Floor...)
		for _, res := range r.HLS[i].Server {
			for _, fault := range res.Faults {
				out = append(out, fmt.Sprintf("%s, %d viewers: %s", r.HLS[i].Name(), res.N, fault))
			}
		}
	}
	for i := range r.Pulls {
		add(r.Pulls[i].Few, r.Pulls[i].Viewers)
	}
	if r.Demand != nil {
		add(r.Demand.Source, r.Demand.Edge)
	}
	for i := range r.Snaps {
		add(r.Snaps[i].Viewers...)
	}
	for _, s := range r.Sieges {
		for _, fault := range s.Faults {
			out = append(out, fmt.Sprintf("siege by %d %s: %s", s.N, s.Name, fault))
		}
	}
	add(r.Stalls...)
	add(r.Freeze)
	return out
}
