// Package segments watches a stream by HLS as many viewers do, each with a connection of its own: plain ones reload the playlist
// once a target duration and fetch every segment once, those of low latency wait in each reload for the part to come.
package segments

import (
	"time"
)

// Config is what is to be watched.
type Config struct {
	URL    string        // of the playlist
	N      int           // viewers
	Low    bool          // they play with low latency
	Alone  time.Duration // how long the first viewer is
	Settle time.Duration // before the measurement
	Window time.Duration
	PID    int // of the server
}

// Result is what was measured.
type Result struct {
	N       int
	Low     bool
	Seconds float64
	Bytes   int64 // of bodies, in the window
	CPU     time.Duration
	// Playlists and Pieces were fetched in the window; pieces are segments or parts.
	Playlists, Pieces int64
	// FirstPlaylistMS and FirstPieceMS are those of the first viewer of the stream, from its connection on.
	FirstPlaylistMS, FirstPieceMS float64
	// BeforeKB is what the server holds before the first viewer, OneKB with one, AllKB with all.
	BeforeKB, OneKB, AllKB float64
	// LateMS is how long after the first viewer the others are told of a part: with low latency only.
	LateMS []float64
	// Faults are what no viewer should see.
	Faults []string
}

// PerGB returns the server's processor seconds per gigabyte.
func (r *Result) PerGB() float64 {
	if r.Bytes == 0 {
		return 0
	}
	return r.CPU.Seconds() / (float64(r.Bytes) / 1e9)
}
