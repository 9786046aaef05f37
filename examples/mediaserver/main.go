// Command mediaserver is a complete media server: publish by RTMP and RTSP, watch by RTMP, RTSP, HLS, and FLV, MPEG-TS and fMP4
// by HTTP, control it over HTTP and a shell. It reads the config.ini of ZLMediaKit.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
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
		debug.SetGCPercent(20)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stderr, net.Listen)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintln(os.Stderr, "mediaserver:", err)
		os.Exit(1)
	}
}

// flags are the options of the command.
type flags struct {
	config, cert, pprof string
	demo, verbose       bool
}

func parseFlags(args []string, out io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("mediaserver", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&f.config, "c", "", "the configuration `file`, written if missing; default config.ini in the working directory, none with -demo")
	set.StringVar(&f.cert, "s", "", "a PEM `file` with certificate and key, for http.sslport and rtmp.sslport")
	set.BoolVar(&f.demo, "demo", false, "publish a clip to live/demo")
	set.BoolVar(&f.verbose, "v", false, "log everything")
	set.StringVar(&f.pprof, "pprof", "", "serve profiles of the process on this `address`, such as 127.0.0.1:6060")
	if err := set.Parse(args); err != nil {
		return f, flag.ErrHelp // the flag set has said what is wrong
	}
	if set.NArg() > 0 {
		return f, fmt.Errorf("what is %q? See -help", set.Arg(0))
	}
	return f, nil
}

// run is the server from its arguments to its end.
func run(ctx context.Context, args []string, out io.Writer, open listenFunc) error {
	f, err := parseFlags(args, out)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if f.verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: level}))
	cfg, err := load(f.file(), log)
	if err != nil {
		return err
	}
	return f.serve(ctx, cfg, out, open, log)
}

// serve runs servers until one ends that is not to restart.
func (f *flags) serve(ctx context.Context, cfg *config.Config, out io.Writer, open listenFunc, log *slog.Logger) error {
	cert, err := loadTLS(f.cert)
	if err != nil {
		return err
	}
	next := &successor{cfg: cfg, cert: cert}
	for {
		s, err := f.prepare(next, open, log)
		if err != nil {
			return err
		}
		s.tellIdle(ctx)
		s.logLimits()
		fmt.Fprint(out, s.banner(f.demo))
		err = s.serve(ctx, f.demo)
		next = s.takeNext()
		if !errors.Is(err, errRestart) {
			next.close()
			return err
		}
		log.Info("restarting")
	}
}

// prepare makes a server and opens its ports. It takes over those that are open already.
func (f *flags) prepare(next *successor, open listenFunc, log *slog.Logger) (*server, error) {
	defer next.close() // what is left of the ports
	s, err := newServer(next.cfg, *f, open, next.cert, log)
	if err != nil {
		return nil, err
	}
	if err := s.start(next.ports); err != nil {
		return nil, errors.Join(err, s.media.Close(), s.hook.Close())
	}
	return s, nil
}

// file is where the configuration is; empty for none.
func (f *flags) file() string {
	if f.config == "" && !f.demo {
		return "config.ini"
	}
	return f.config
}

// start opens the ports.
func (s *server) start(ports openPorts) error {
	if err := s.listen(ports); err != nil {
		return err
	}
	if s.flags.pprof == "" {
		return nil
	}
	if err := s.listenProfiles(s.flags.pprof, s.open); err != nil {
		s.closeListeners()
		return err
	}
	return nil
}

// load reads the configuration. With -demo and no file named, nothing is read or written.
func load(path string, log *slog.Logger) (*config.Config, error) {
	if path == "" {
		return config.New(), nil
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
		base := l.scheme + "://" + l.host() + "/"
		switch l.scheme {
		case "http", "https":
			line("page", base)
			line(strings.ToUpper(l.scheme)+"-FLV", base+name+".live.flv")
			ws := strings.Replace(l.scheme, "http", "ws", 1)
			line(strings.ToUpper(ws)+"-FLV", ws+"://"+l.host()+"/"+name+".live.flv")
			line("HLS", base+name+"/hls.m3u8")
		case "rtmp", "rtmps":
			line(strings.ToUpper(l.scheme), base+name)
			if !demo {
				line("publish", "ffmpeg -re -i clip.mp4 -c copy -f flv "+base+name)
			}
		case "rtsp", "rtsps":
			line(strings.ToUpper(l.scheme), base+name)
		case "rtp":
			line("GB28181", "RTP to "+l.host()+" by UDP and TCP, played as rtp/SSRC")
		case "telnet":
			if s.flags.file() == "" {
				continue // without a secret it lets nobody in
			}
			if host, port, err := net.SplitHostPort(l.host()); err == nil {
				line("shell", "telnet "+host+" "+port)
			}
		case "pprof":
			line("profiles", "http://"+l.host()+"/debug/pprof/")
		}
	}
	b.WriteString("\n")
	return b.String()
}
