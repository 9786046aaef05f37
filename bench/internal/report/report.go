// Package report turns the results of a benchmark into Markdown tables and holds them against the project's goals.
package report

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/siege"
	"github.com/sluice-media/sluice/bench/internal/stat"
)

// Report is everything one benchmark measured. Parts that were not run are empty.
type Report struct {
	Machine   []string
	Cells     []Cell
	HLS       []HLS
	Publish   []Publish
	Receivers []Receivers
	Pulls     []Pull
	Demand    *Demand
	Snaps     []Snap
	Sieges    []*siege.Result
	Stalls    []*crowd.Result // large crowds, one run each
	Freeze    *crowd.Result
	Idle      *Idle
	Starts    []float64 // ms from the start of the process until its ports accepted
}

// Cell is one protocol with one number of players and one merge window, measured several times, each time followed by
// the floor.
type Cell struct {
	Proto  string
	N      int
	Merge  time.Duration
	Server []*crowd.Result
	Floor  []*crowd.Result
}

// Idle is what a server without players uses: percent of one core and resident KB.
type Idle struct {
	BareCPU, BareKB         float64 // without a publisher
	PublishCPU, PublishedKB float64 // with one
}

// PerGB returns the server's processor seconds per GB, one figure a round.
func (c *Cell) PerGB() []float64 { return stat.Each(c.Server, (*crowd.Result).PerGB) }

// FloorPerGB returns the floor's, one a round.
func (c *Cell) FloorPerGB() []float64 { return stat.Each(c.Floor, (*crowd.Result).PerGB) }

// Ratio returns the median over the rounds of server by floor, 0 without a floor.
func (c *Cell) Ratio() float64 { return stat.Median(stat.Ratios(c.PerGB(), c.FloorPerGB())) }

// median returns the median round's figure.
func (c *Cell) median(figure func(*crowd.Result) float64) float64 {
	return stat.Median(stat.Each(c.Server, figure))
}

// worst returns the worst round's figure.
func (c *Cell) worst(figure func(*crowd.Result) float64) float64 {
	return stat.Max(stat.Each(c.Server, figure))
}

// Write prints the whole report as Markdown.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	r.machine(&b)
	r.load(&b)
	r.hls(&b)
	r.publishers(&b)
	r.receivers(&b)
	r.pulls(&b)
	r.demand(&b)
	r.snaps(&b)
	r.sieges(&b)
	r.stalls(&b)
	r.freeze(&b)
	r.rest(&b)
	r.goals(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *Report) machine(b *strings.Builder) {
	b.WriteString("## Machine\n\n")
	for _, line := range r.Machine {
		fmt.Fprintf(b, "- %s\n", line)
	}
}

// table prints a Markdown table.
func table(b *strings.Builder, head []string, rows [][]string) {
	line := func(cells []string) { fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head)
	b.WriteString("|" + strings.Repeat("---|", len(head)) + "\n")
	for _, row := range rows {
		line(row)
	}
}
