package report

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/siege"
)

// result is a run of 500 players over 10 s that took cpu processor seconds for 2 GB.
func result(cpu float64) *crowd.Result {
	return &crowd.Result{
		Proto: "rtmp", N: 500, Seconds: 10, Bytes: 2e9,
		Server:  crowd.Expense{System: cpu, StartKB: 1000, EndKB: 6000, Writes: 125000},
		GapMS:   crowd.Spread{N: 9, P50: 40, P99: 50, Max: 60},
		MediaMS: crowd.Spread{N: 9, P50: 2, Max: 4},
		KeyMS:   crowd.Spread{N: 9, P50: 3, Max: 5},
	}
}

func cell(merge time.Duration, server, floor []float64) Cell {
	c := Cell{Proto: "rtmp", N: 500, Merge: merge}
	for _, cpu := range server {
		c.Server = append(c.Server, result(cpu))
	}
	for _, cpu := range floor {
		c.Floor = append(c.Floor, result(cpu))
	}
	return c
}

func TestCellRatioIsTheMedianOfTheRounds(t *testing.T) {
	t.Parallel()
	c := cell(0, []float64{2, 3, 8}, []float64{1, 2, 2})
	require.Equal(t, []float64{1, 1.5, 4}, c.PerGB())
	require.InDelta(t, 2, c.Ratio(), 1e-9, "of 2, 1.5 and 4")
	require.Zero(t, (&Cell{}).Ratio())
}

func write(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, r.Write(&b))
	return b.String()
}

func TestReportTables(t *testing.T) {
	t.Parallel()
	large := result(4)
	large.N, large.Stalled, large.JoinMS = 2000, 3, 700
	frozen := result(1)
	frozen.Freeze = &crowd.Freeze{
		Players: 1, Seconds: 10, GapBefore: crowd.Spread{P99: 50}, GapDuring: crowd.Spread{P99: 52.5},
		LateBefore: crowd.Spread{P99: 30}, LateDuring: crowd.Spread{P99: 36}, Outcome: "resumed at a key frame",
		SkippedMS: 1200, ResumedAtKey: true,
	}
	text := write(t, &Report{
		Machine: []string{"a machine"},
		Cells:   []Cell{cell(0, []float64{1.2, 1.4, 1.6}, []float64{1, 1, 1}), cell(300*time.Millisecond, []float64{1}, nil)},
		Stalls:  []*crowd.Result{large},
		Freeze:  frozen,
		Idle:    &Idle{BareCPU: 0.1, PublishCPU: 0.9},
		Starts:  []float64{9, 7, 120},
	})
	for _, want := range []string{
		"- a machine\n",
		"| rtmp | 500 | 0 | 3 | **0.70** | 0.60–0.80 | 0.50 | 1.40 | 14.0 | 0.0 | 0/0 | 10.0 | 25.0 | 0/0/0 | 2.0 (4.0) | 3.0 (5.0) | 40/50/60 |",
		"| rtmp | 500 | 300 | 1 | **0.50** | 0.50–0.50 | – | – |",
		"| rtmp | 2000 | 2.00 | 40 | 0 | 2.5 | 700 | 3/0/0 | 60 |",
		"| gap between pictures | 0.0/50.0/0.0 | 0.0/52.5/0.0 | +2.5 |",
		"The parsed frozen player resumed at a key frame; 1200 ms",
		"0.9 %",
		"9 ms after the start",
		"| rtmp, 500 players: CPU by the floor's | 1.40 | 1.40 | met |",
		"| rtmp, 500 players, merging 300 ms: CPU-s/GB | 0.50 | 0.35 | **missed** |",
		"| rtmp, 500 players: memory per player, KB | 10.00 | 12.00 | met |",
		"| rtmp, 500 players: first key frame, ms | 3.00 | 20.00 | met |",
		"| rtmp, 2000 players: stalled, slow or lost | 3.00 | 0.00 | **missed** |",
		"| freeze: p99 of the others' gaps grows by, ms | 2.50 | 5.00 | met |",
		"| freeze: p99 of the others' lateness grows by, ms | 6.00 | 5.00 | **missed** |",
		"| thawed player resumes at a key frame | resumed at a key frame |  | met |",
		"| publisher and no player, % of a core | 0.90 | 1.00 | met |",
		"| ports open, ms after start | 9.00 | 100.00 | met |",
	} {
		require.Contains(t, text, want)
	}
}

func TestReportLeavesOutWhatWasNotMeasured(t *testing.T) {
	t.Parallel()
	text := write(t, &Report{Cells: []Cell{{Proto: "ws", N: 7, Merge: 40 * time.Millisecond, Server: []*crowd.Result{result(1)}}}})
	require.Contains(t, text, "| ws | 7 | 40 |")
	for _, part := range []string{"## Publishers", "## Freeze", "## Idle", "## Start", "## Large", "met"} {
		require.NotContains(t, text, part)
	}
}

func TestReportPublishers(t *testing.T) {
	t.Parallel()
	many := result(1)
	many.Proto, many.N = "rtsp", 100
	r := &Report{Publish: []Publish{{Proto: "rtsp", N: 100, BareKB: 4000, Result: many}}}
	text := write(t, r)
	require.Contains(t, text, "| rtsp | 100 | 10.0 | 0.100 | **0.50** | 20 | 0.0 | 0 | 0/0/0 | 40/50/60 |")
	require.Empty(t, r.Faults())
	many.Faults = []string{"malformed: something"}
	require.Equal(t, []string{"rtsp, 100 players: malformed: something"}, r.Faults())
}

func TestGoalsOfRTSP(t *testing.T) {
	t.Parallel()
	stream, merged, packets := cell(0, []float64{1.2}, []float64{1}), cell(mergedWindow, []float64{1}, nil), cell(0, []float64{6}, []float64{1})
	stream.Proto, merged.Proto, packets.Proto = "rtsp", "rtsp", "rtsp-udp"
	packets.Server[0].Missing = 7
	mergedUDP := cell(mergedWindow, []float64{1}, nil)
	mergedUDP.Proto = "rtsp-udp"
	text := write(t, &Report{Cells: []Cell{stream, merged, packets, mergedUDP}})
	for _, want := range []string{
		"| rtsp, 500 players: CPU by the floor's | 1.20 | 1.40 | met |",
		"| rtsp, 500 players: memory per player, KB | 10.00 | 12.00 | met |",
		"| rtsp, 500 players: first key frame, ms | 3.00 | 20.00 | met |",
		"| rtsp, 500 players, merging 300 ms: CPU-s/GB | 0.50 | 0.35 | **missed** |",
		"| rtsp-udp, 500 players: CPU-s/GB | 3.00 | 2.00 | **missed** |",
		"| 40/50/60 | 7 |\n",
		"| 0.50 (TCP) | 6.00 |",
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "rtsp-udp, 500 players: memory")
	require.NotContains(t, text, "rtsp-udp, 500 players, merging")
}

func TestReportFaults(t *testing.T) {
	t.Parallel()
	bad := result(1)
	bad.Faults = []string{"malformed: something"}
	r := &Report{Cells: []Cell{{Server: []*crowd.Result{bad}, Floor: []*crowd.Result{result(1)}}}, Stalls: []*crowd.Result{bad}}
	require.Equal(t, []string{"rtmp, 500 players: malformed: something", "rtmp, 500 players: malformed: something"}, r.Faults())
	require.Contains(t, write(t, r), "**faults**")
}

func TestDescribeMachine(t *testing.T) {
	t.Parallel()
	require.Contains(t, strings.Join(DescribeMachine(), "\n"), "cores")
	require.Empty(t, content("/does/not/exist"))
}

func TestReportSieges(t *testing.T) {
	t.Parallel()
	r := &Report{Sieges: []*siege.Result{
		{Name: "peers", N: 9, Held: 8, KeyMS: []float64{1, 2, 101}, BeforeKB: 1024, PeakKB: 30 << 10, AfterKB: 12 << 10, EbbSeconds: 3, Lost: 1, Faults: []string{"gone"}},
	}}
	text := write(t, r)
	require.Contains(t, text, "| 9 peers | 8 | 2.0/")
	require.Contains(t, text, "/101.0 | 3 | 1 | 1.0 | 30.0 | 12.0 | 3.0 |")
	require.Contains(t, text, "| siege by 9 peers: first key frame at most, ms | 101.00 | 100.00 | **missed** |")
	require.Contains(t, text, "| siege by 9 peers: memory kept behind, MB | 11.00 | 10.00 | **missed** |")
	require.Equal(t, []string{"siege by 9 peers: gone"}, r.Faults())
}

// A player that a pull, or a pull on demand, has lost is a fault, too.
func TestReportFaultsOfPulls(t *testing.T) {
	t.Parallel()
	bad := result(1)
	bad.Faults = []string{"malformed: something"}
	for _, r := range []*Report{
		{Pulls: []Pull{{N: 1, Few: bad, Viewers: result(1)}}},
		{Pulls: []Pull{{N: 1, Few: result(1), Viewers: bad}}},
		{Demand: &Demand{N: 1, Source: result(1), Edge: bad}},
		{Demand: &Demand{N: 1, Source: bad, Edge: result(1)}},
	} {
		require.Equal(t, []string{"rtmp, 500 players: malformed: something"}, r.Faults())
	}
}

func TestReportReceivers(t *testing.T) {
	t.Parallel()
	few := result(1)
	few.Proto, few.N, few.LateMS = "rtmp", 20, crowd.Spread{P50: 2, P99: 9, Max: 30}
	r := &Report{Receivers: []Receivers{{N: 100, BareKB: 4000, KB: 44000, CPU: 9, SenderCPU: 4, OtherCPU: 8, Lost: 3, Viewers: few}}}
	text := write(t, r)
	require.Contains(t, text, "| 100 | 9.0 | **0.090** | 400 | 3 | 2/9/30 | 0/0/0 | 4 | 8 |")
	require.Contains(t, text, "| 100 receivers of RTP: datagrams lost | 3.00 | 0.00 | **missed** |")
	few.Faults = []string{"malformed: something"}
	require.Equal(t, []string{"rtmp, 20 players: malformed: something"}, r.Faults())
}

// Senders of RTP are held against players of RTSP by UDP of the same rounds.
func TestReportSenders(t *testing.T) {
	t.Parallel()
	udp, rtp := cell(0, []float64{2, 4, 2}, []float64{1}), cell(0, []float64{3, 5, 3}, []float64{1})
	udp.Proto, rtp.Proto = "rtsp-udp", "rtp"
	rtp.Server[1].Missing = 7
	const goal = "| rtp, 500 players: CPU by that of rtsp-udp |"
	text := write(t, &Report{Cells: []Cell{udp, rtp}})
	require.Contains(t, text, goal+" 1.50 | 1.40 | **missed** |")
	require.Contains(t, text, "| rtp, 500 players: packets lost | 7.00 | 0.00 | **missed** |")
	require.Contains(t, text, "| rtp | 500 | 0 | 3 | **1.50** | 1.50–2.50 | 0.50 (TCP) |")
	require.NotContains(t, write(t, &Report{Cells: []Cell{rtp}}), goal)
}
