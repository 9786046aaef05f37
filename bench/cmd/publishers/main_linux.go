// Command publishers sends one clip in real time as many streams: with -url rtmp://host:1935/live/test the first is
// live/test-0. It prints a line once all are set up, and ends with 1 when a stream is lost or not taken in time.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"github.com/sluice-media/sluice/bench/internal/crowd"
	"github.com/sluice-media/sluice/bench/internal/publish"
)

func main() {
	cfg, err := parse(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "publishers:", err)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err = run(ctx, cfg)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "publishers:", err)
		os.Exit(1)
	}
}

func parse(args []string) (cfg publish.Config, err error) {
	f := flag.NewFlagSet("publishers", flag.ContinueOnError)
	f.StringVar(&cfg.Proto, "proto", "rtmp", "rtmp, rtsp or rtp")
	target := f.String("url", "", "where to publish, with host and port; -0, -1 and so on are added; of rtp the host alone")
	ports := f.String("ports", "", "UDP ports that rtp is sent to, a list, one for each stream")
	f.IntVar(&cfg.N, "n", 10, "streams")
	clip := f.String("clip", "", "FLV file to send, H.264 with or without AAC")
	if err := f.Parse(args); err != nil {
		return cfg, err
	}
	if cfg.URL, err = url.Parse(*target); err != nil {
		return cfg, err
	}
	for item := range strings.SplitSeq(*ports, ",") {
		if item == "" {
			continue
		}
		port, err := strconv.ParseUint(item, 10, 16)
		if err != nil {
			return cfg, err
		}
		cfg.Ports = append(cfg.Ports, int(port))
	}
	cfg.Clip, err = os.ReadFile(*clip)
	return cfg, err
}

func run(ctx context.Context, cfg publish.Config) error {
	if err := crowd.RaiseFileLimit(cfg.N); err != nil {
		return err
	}
	return publish.Run(ctx, cfg, func() { fmt.Printf("publishing %d streams\n", cfg.N) })
}
