// Command gb28181 is a little platform of GB/T 28181: cameras register with it by SIP, and a page lists them and shows what they
// see. A camera is asked for pictures while somebody watches, by the page, RTSP or RTMP, and told to stop when nobody does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"time"

	"github.com/emiago/sipgo/sip"

	"github.com/sluice-media/sluice/examples/gb28181/internal/platform"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
	"github.com/sluice-media/sluice/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler)) // of the stack, which logs all that strangers send
	err := serve(ctx, os.Args[1:], os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil && !errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "gb28181:", err)
		os.Exit(1)
	}
}

// options are those of the command.
type options struct {
	sip, http, rtsp string // addresses
	passwords       string // file
	first, last     int    // ports for media
	platform        platform.Config
}

func parse(args []string, out io.Writer) (options, error) {
	o := options{platform: platform.Config{ID: "34020000002000000001"}}
	set := flag.NewFlagSet("gb28181", flag.ContinueOnError)
	set.SetOutput(out)
	set.StringVar(&o.sip, "sip", ":5060", "the `address` of SIP, by UDP and TCP")
	set.StringVar(&o.http, "http", "127.0.0.1:8080", "the `address` of the page; who reaches it can watch")
	set.StringVar(&o.rtsp, "rtsp", "127.0.0.1:8554", "the `address` of RTSP; who reaches it can watch")
	set.StringVar(&o.passwords, "passwords", "passwords.txt", "a `file` with a line \"ID PASSWORD\" for each device, or \"* PASSWORD\" for all others")
	set.StringVar(&o.platform.ID, "id", o.platform.ID, "the ID of the platform, of 20 digits")
	set.StringVar(&o.platform.Realm, "realm", "", "its `domain`; by default the first ten digits of the ID")
	set.DurationVar(&o.platform.Keepalive, "keepalive", time.Minute, "how often devices say that they are there; who misses three is offline")
	set.IntVar(&o.first, "first", 30000, "the first `port` for media")
	set.IntVar(&o.last, "last", 30500, "the last `port` for media")
	set.TextVar(&o.platform.MediaIP, "media", netip.Addr{}, "the `address` that devices are to send media to; by default the one that they reach")
	set.Func("transport", "how media come: udp, tcp (the device dials) or tcp-active (the platform does); default udp", func(s string) error {
		mode, ok := map[string]gb28181.Mode{"udp": gb28181.UDP, "tcp": gb28181.TCPPassive, "tcp-active": gb28181.TCPActive}[s]
		if !ok {
			return errors.New("it is none of those")
		}
		o.platform.Mode = mode
		return nil
	})
	if err := set.Parse(args); err != nil {
		return o, flag.ErrHelp // the flag set has said what is wrong
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("what is %q? See -help", set.Arg(0))
	}
	return o, nil
}

// sockets are what the program listens on.
type sockets struct {
	udp             net.PacketConn
	tcp, http, rtsp net.Listener
}

// open opens them, all or none.
func (o *options) open() (*sockets, error) {
	var s sockets
	var errs [4]error
	s.udp, errs[0] = net.ListenPacket("udp", o.sip)
	s.tcp, errs[1] = net.Listen("tcp", o.sip)
	s.http, errs[2] = net.Listen("tcp", o.http)
	s.rtsp, errs[3] = net.Listen("tcp", o.rtsp)
	if err := errors.Join(errs[:]...); err != nil {
		s.close()
		return nil, err
	}
	return &s, nil
}

func (s *sockets) close() {
	for _, c := range []io.Closer{s.udp, s.tcp, s.http, s.rtsp} {
		if c != nil {
			_ = c.Close() // it may be closed already
		}
	}
}

// serve is the program from its arguments to its end.
func serve(ctx context.Context, args []string, out io.Writer) error {
	o, err := parse(args, out)
	if err != nil {
		return err
	}
	passwords, err := readPasswords(o.passwords)
	if err != nil {
		return err
	}
	s, err := o.open()
	if err != nil {
		return err
	}
	defer s.close()
	o.platform.Password = passwords.of
	o.platform.Logger = slog.New(slog.NewTextHandler(out, nil))
	fmt.Fprintf(out, "\nCameras register at %s as platform %s. The page is http://%s/\n\n", s.udp.LocalAddr(), o.platform.ID, s.http.Addr())
	return run(ctx, o.platform, gb28181.Config{PortRange: [2]int{o.first, o.last}}, s, media.Config{})
}

// run serves until ctx ends or a part fails, and returns why.
func run(ctx context.Context, cfg platform.Config, ports gb28181.Config, s *sockets, mc media.Config) error {
	p, err := platform.New(cfg)
	if err != nil {
		return err
	}
	mc.Hooks, mc.Logger = []hook.Hook{p}, cfg.Logger
	m, err := media.New(mc)
	if err != nil {
		return err
	}
	receiver, err1 := gb28181.NewServer(m, ports)
	viewers, err2 := rtsp.NewServer(m, rtsp.Config{})
	watch, err3 := web.NewHandler(m, web.Config{})
	if err := errors.Join(err1, err2, err3); err != nil {
		return errors.Join(err, m.Close())
	}
	service := &http.Server{Handler: site(p, watch), ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var devices, others sync.WaitGroup
	devices.Go(func() { stop(p.Serve(ctx, receiver, s.udp, s.tcp)) })
	others.Go(func() { stop(viewers.Serve(s.rtsp)) })
	others.Go(func() { stop(service.Serve(s.http)) })
	<-ctx.Done()
	devices.Wait() // they are told before what they send to goes away
	err = errors.Join(context.Cause(ctx), m.Close(), service.Close())
	others.Wait()
	return err
}
