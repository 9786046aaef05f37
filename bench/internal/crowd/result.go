package crowd

import "time"

// Result is what one run showed. Times are in the units of their names; MS is milliseconds, KB is 1024 bytes.
type Result struct {
	Proto   string
	N       int
	Seconds float64 // what the window really took

	JoinMS  float64 // from the first connect until the last player was set up
	Bytes   uint64  // what all players together received in the window
	Rate    float64 // bytes per second of the median player
	Stalled int     // players without a byte for 1.5 s within the window
	Slow    int     // players below 90 % of the stream's rate
	Lost    int     // failed set-ups and disconnections
	Faults  []string

	Server    Expense
	Generator Expense
	OtherCPU  float64 // percent of one core that neither server nor generator used

	Pictures int // at the samples, within the window
	Gaps     int // how often pictures were left out for a sample
	Missing  int // RTP packets the samples, or all players of "rtp", did not get, within the window
	GapMS    Spread
	LateMS   Spread // how much later than the earliest one, by its stamp, a picture came
	MediaMS  Spread // newcomers: from connect until the first frame of any kind
	KeyMS    Spread // newcomers: from connect until the first whole key frame

	Freeze *Freeze
}

// Expense is what a process used within the window.
type Expense struct {
	User, System float64 // processor seconds
	StartKB      float64 // resident before the first player came
	EndKB        float64 // resident at the window's end
	Writes       int64   // calls of write and writev; 0 when the kernel does not say
}

// Spread sums up a set of measurements.
type Spread struct {
	N             int
	P50, P99, Max float64
}

// Freeze is what happened when some players stopped reading. Before and During cover times of equal length.
type Freeze struct {
	Players      int
	Seconds      float64
	GapBefore    Spread  // between two pictures at the samples, ms
	GapDuring    Spread  // the same
	LateBefore   Spread  // as Result.LateMS
	LateDuring   Spread  // the same
	BeforeKB     float64 // the server's resident memory when the freeze began
	DuringKB     float64 // and when it ended
	Lost         int     // frozen players the server disconnected
	Outcome      string  // how the parsed frozen player went on
	SkippedMS    float64 // media it was not sent
	ResumedAtKey bool    // false also when nothing was skipped or it was disconnected

	thaw time.Time
}

// Total returns user and system seconds together.
func (e Expense) Total() float64 { return e.User + e.System }

// Percent returns the share of one core over a window of seconds.
func (e Expense) Percent(seconds float64) float64 { return 100 * e.Total() / seconds }

// PerGB returns the server's processor seconds per 10^9 bytes delivered, and 0 when nothing was.
func (res *Result) PerGB() float64 {
	if res.Bytes == 0 {
		return 0
	}
	return res.Server.Total() / (float64(res.Bytes) / 1e9)
}

// PlayerKB returns by how much each player made the server grow.
func (res *Result) PlayerKB() float64 {
	return (res.Server.EndKB - res.Server.StartKB) / float64(res.N)
}

// WritesPerPlayer returns the server's write calls per player and second, 0 when unknown.
func (res *Result) WritesPerPlayer() float64 {
	return float64(res.Server.Writes) / float64(res.N) / res.Seconds
}
