// Command floor sends the media bytes of an FLV clip in real time to everybody who connects: once per picture (or once
// per -merge), one write call per player, from one goroutine over raw descriptors. No server that sends the same
// stream can use less processor time in Go, so it is what the servers' figures are divided by.
package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/sluice-media/sluice/bench/internal/paced"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:9100", "address to listen at")
	clip := flag.String("clip", "", "FLV file to send")
	merge := flag.Duration("merge", 0, "least time between two writes; 0 writes once per picture")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, *listen, *clip, *merge)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, listen, file string, merge time.Duration) error {
	addr, err := netip.ParseAddrPort(listen)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	clip, err := paced.Parse(data, merge)
	if err != nil {
		return err
	}
	s, err := paced.Listen(addr, clip)
	if err != nil {
		return err
	}
	defer s.Close()
	debug.FreeOSMemory() // the file's bytes; nothing is allocated from here on
	return s.Run(ctx)
}
