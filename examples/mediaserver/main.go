// Command mediaserver is a complete media server: publish by RTMP, watch by RTMP, HTTP-FLV and WS-FLV. It reads
// the config.ini of ZLMediaKit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/sluice-media/sluice/api/config"
)

func main() {
	// What a media server allocates is short-lived: a smaller heap costs next to nothing.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(50)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "mediaserver:", err)
		os.Exit(1)
	}
}

// run is the server from its arguments to its end.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mediaserver", flag.ContinueOnError)
	flags.SetOutput(out)
	path := flags.String("c", "", "the configuration `file`; default config.ini in the working directory, none with -demo")
	demo := flags.Bool("demo", false, "publish a clip to live/demo")
	verbose := flags.Bool("v", false, "log everything")
	if err := flags.Parse(args); err != nil {
		return err
	}
	level := slog.LevelInfo
	if *verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	cfg, err := load(*path, *demo, log)
	if err != nil {
		return err
	}
	s, err := newServer(cfg, log)
	if err != nil {
		return err
	}
	if err := s.listen(); err != nil {
		return errors.Join(err, s.media.Close())
	}
	fmt.Fprint(out, s.banner(*demo))
	return s.serve(ctx, *demo)
}

// load reads the configuration. With -demo and no file named, nothing is read or written.
func load(path string, demo bool, log *slog.Logger) (*config.Config, error) {
	if path == "" && demo {
		return config.New(), nil
	}
	if path == "" {
		path = "config.ini"
	}
	cfg, created, warnings, err := config.Load(path)
	for _, w := range warnings {
		log.Warn("configuration: "+w.Text, "file", path, "line", w.Line)
	}
	if err != nil {
		return nil, err
	}
	if created {
		log.Info("configuration written, with a random api.secret", "file", path)
	}
	return cfg, nil
}

// banner says where the server can be reached.
func (s *server) banner(demo bool) string {
	name := "live/test"
	if demo {
		name = "live/demo"
	}
	var b strings.Builder
	b.WriteString("\nSluice is running.\n\n")
	line := func(what, url string) { fmt.Fprintf(&b, "  %-9s %s\n", what, url) }
	for _, l := range s.listeners {
		host := l.host()
		switch l.scheme {
		case "http", "https":
			line("page", l.scheme+"://"+host+"/")
			line(strings.ToUpper(l.scheme)+"-FLV", l.scheme+"://"+host+"/"+name+".live.flv")
			line("WS-FLV", strings.Replace(l.scheme, "http", "ws", 1)+"://"+host+"/"+name+".live.flv")
		default:
			line(strings.ToUpper(l.scheme), l.scheme+"://"+host+"/"+name)
			if !demo {
				line("publish", "ffmpeg -re -i clip.mp4 -c copy -f flv "+l.scheme+"://"+host+"/"+name)
			}
		}
	}
	b.WriteString("\n")
	return b.String()
}
