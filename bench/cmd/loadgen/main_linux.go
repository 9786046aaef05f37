// Command loadgen plays one stream N times, or several streams, and prints what it saw as JSON. It exits with 1 when a player was lost or
// the server sent malformed data.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/bench/internal/crowd"
)

func main() {
	cfg, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err = run(ctx, cfg)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "loadgen:", err)
		os.Exit(1)
	}
}

func parse(args []string) (cfg crowd.Config, err error) {
	f := flag.NewFlagSet("loadgen", flag.ContinueOnError)
	f.StringVar(&cfg.Proto, "proto", "rtmp", "rtmp, flv, ws, ts, fmp4, rtsp, rtsp-udp, rtp or raw")
	target := f.String("url", "", "what to play, with host and port; any scheme")
	f.IntVar(&cfg.Streams, "streams", 0, "play so many streams, named as those of cmd/publishers, with the players in turns")
	f.IntVar(&cfg.N, "n", 100, "players")
	f.IntVar(&cfg.Samples, "samples", 1, "how many of them are parsed to the end (none for rtp and raw)")
	f.DurationVar(&cfg.Settle, "settle", 2*time.Second, "pause before the measurement")
	f.DurationVar(&cfg.Window, "t", 10*time.Second, "length of the measurement; with -freeze the time after the thaw")
	f.IntVar(&cfg.Setups, "setups", 0, "players set up at the same time (0: 64)")
	f.IntVar(&cfg.Probes, "probes", 10, "newcomers measured behind the window (none for rtp and raw)")
	f.IntVar(&cfg.PID, "pid", 0, "server process whose expenses to measure")
	f.Float64Var(&cfg.Rate, "rate", 0, "the stream's bytes per second (0: that of the median player)")
	f.BoolVar(&cfg.Lax, "lax", false, "accept equal stamps within a track")
	f.IntVar(&cfg.Frozen, "freeze", 0, "players that stop reading in the middle of the run")
	f.DurationVar(&cfg.FreezeFor, "freeze-for", 10*time.Second, "for how long they do")
	if err := f.Parse(args); err != nil {
		return cfg, err
	}
	if !crowd.Parses(cfg.Proto) {
		cfg.Samples, cfg.Probes = 0, 0
	}
	cfg.URL, err = url.Parse(*target)
	return cfg, err
}

func run(ctx context.Context, cfg crowd.Config) error {
	if err := crowd.RaiseFileLimit(cfg.Descriptors()); err != nil {
		return err
	}
	res, err := crowd.Run(ctx, cfg)
	if err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	if err := out.Encode(res); err != nil {
		return err
	}
	if len(res.Faults) > 0 {
		return fmt.Errorf("%d players lost, first fault: %s", res.Lost, res.Faults[0])
	}
	return nil
}
