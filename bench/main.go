// Command bench measures the complete example server under load and prints the figures as Markdown: processor time per
// GB delivered against the floor of the same run, memory per player, how soon a newcomer sees a picture, stalls, what
// a frozen player does to the others, and what the server uses at rest. See README.md beside it.
//
//	go run ./bench                               everything, some 35 minutes
//	go run ./bench -parts load -proto rtmp -rounds 1
//	go run ./bench -server "./mediaserver"       another build, started with -c config.ini
//	go run ./bench -pid 4711 -proto flv -url http://127.0.0.1:8080/live/test.live.flv   a server that runs already
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/sluice-media/sluice/bench/internal/lab"
	"github.com/sluice-media/sluice/bench/internal/report"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if runtime.GOOS != "linux" {
		return errors.New("this program needs Linux")
	}
	o, err := parse(args)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sluice-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{options: o, report: &report.Report{Machine: report.DescribeMachine()}}
	if b.lab, err = prepare(ctx, dir, o); err != nil {
		return err
	}
	if err := b.measure(ctx); err != nil {
		return err
	}
	return b.finish()
}

// prepare makes the clip and builds the programs.
func prepare(ctx context.Context, dir string, o *options) (*lab.Lab, error) {
	clip := o.clip
	if clip == "" {
		note("making or finding the clip")
		var err error
		if clip, err = lab.Clip(ctx); err != nil {
			return nil, err
		}
	}
	note("building")
	return lab.New(ctx, dir, clip, o.serverCommand())
}

// finish prints the report, and fails when players were lost or got malformed data.
func (b *bench) finish() error {
	if b.options.json != "" {
		data, err := json.MarshalIndent(b.report, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(b.options.json, data, 0o644); err != nil {
			return err
		}
	}
	if err := b.report.Write(os.Stdout); err != nil {
		return err
	}
	if faults := b.report.Faults(); len(faults) > 0 {
		return fmt.Errorf("%d faults, the first: %s", len(faults), faults[0])
	}
	return nil
}

// note tells on standard error what is being done.
func note(format string, args ...any) { fmt.Fprintf(os.Stderr, "bench: "+format+"\n", args...) }
