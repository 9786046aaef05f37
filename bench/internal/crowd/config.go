// Package crowd plays one stream as many times as asked and says how it went: how much came, who stalled, what the
// server spent on it, how soon a newcomer sees a picture.
//
// Nearly all players are only drained: they are set up properly and then one thread empties every socket once in
// 41 ms without copying a byte. A few are parsed to the end. It runs on Linux only.
package crowd

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// Config says what to play and for how long. Fields without a word on zero must be set.
type Config struct {
	Proto   string // "rtmp", "flv", "ws", "ts", "fmp4", "rtsp", "rtsp-udp", "rtp" (URL is startSendRtp of the API) or "raw"
	URL     *url.URL
	Streams int           // when not 0, player i plays wire.Numbered(URL, i % Streams), and newcomers go on behind N
	N       int           // players, the parsed ones included
	Samples int           // how many of them are parsed to the end; none for "raw" and "rtp"
	Settle  time.Duration // pause between the last player's set-up and the measurement
	Window  time.Duration // length of the measurement
	Setups  int           // players that are set up at the same time; 0 means 64
	Probes  int           // newcomers measured one after the other behind the window; 0 means none
	PID     int           // process whose expenses are measured; 0 means none
	Rate    float64       // the stream's bytes per second; 0 means that of the median player
	Lax     bool          // equal stamps in a track are no fault

	// Frozen players stop reading for FreezeFor, and everybody else is watched for FreezeFor before and meanwhile. The
	// first of them is parsed in addition to Samples. When Frozen is not 0, Window is the time watched after the thaw.
	Frozen    int
	FreezeFor time.Duration
}

const (
	protoTCP      = "rtsp"
	protoUDP      = "rtsp-udp"
	protoRTP      = "rtp"
	protoRaw      = "raw"
	usualTracks   = 2
	defaultSetups = 64
	setupTimeout  = 10 * time.Second
	// sweep is how often every socket is emptied: about once per picture of 25 a second. A little off that, so that
	// the sweeps drift through the pictures' times: meeting the sender always at the same place would make one run
	// dearer than the next.
	sweep = 41 * time.Millisecond
	// stall is how long a player must have had nothing to count as stalled.
	stall = 1500 * time.Millisecond
	// slowBelow is the share of the stream's rate below which a player counts as slow.
	slowBelow = 0.9
)

func (c *Config) check() error {
	switch {
	case c.URL == nil || c.URL.Port() == "":
		return errors.New("crowd: the URL needs a host and a port")
	case c.N < 1 || c.Samples < 0 || c.Streams < 0 || c.Frozen < 0 || c.parsed() > c.N || c.Frozen > c.N:
		return fmt.Errorf("crowd: %d players, %d parsed, %d frozen", c.N, c.Samples, c.Frozen)
	case !Parses(c.Proto) && (c.parsed() > 0 || c.Probes > 0):
		return fmt.Errorf("crowd: %s cannot be parsed", c.Proto)
	case (c.Proto == protoUDP || c.Proto == protoRTP) && c.Frozen > 0:
		return errors.New("crowd: nobody notices a frozen player of UDP")
	case c.Window <= 0 || c.Frozen > 0 && c.FreezeFor <= 0:
		return errors.New("crowd: the time to measure must be positive")
	}
	if c.Setups == 0 {
		c.Setups = defaultSetups
	}
	return nil
}

// Parses reports whether players of a protocol can be parsed.
func Parses(proto string) bool { return proto != protoRaw && proto != protoRTP }

// Descriptors returns how many descriptors the players need.
func (c *Config) Descriptors() int {
	switch c.Proto {
	case protoUDP:
		return c.N * (1 + 2*usualTracks)
	case protoRTP:
		return c.N * (1 + 2)
	}
	return c.N
}

// stream returns what player i plays.
func (c *Config) stream(i int) *url.URL {
	if c.Streams == 0 {
		return c.URL
	}
	return wire.Numbered(c.URL, i%c.Streams)
}

// parsed returns how many players are parsed.
func (c *Config) parsed() int {
	if c.Frozen > 0 {
		return c.Samples + 1
	}
	return c.Samples
}
