// Command embed is a web service with a media server inside: publish to rtmp://HOST/live/NAME, watch
// http://HOST:8080/live/NAME.live.flv.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/web"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := serve(ctx)
	stop()
	if !errors.Is(err, context.Canceled) {
		log.Fatal(err)
	}
}

// serve opens the ports and runs the service.
func serve(ctx context.Context) error {
	rtmpPort, err1 := net.Listen("tcp", ":1935")
	httpPort, err2 := net.Listen("tcp", ":8080")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	return run(ctx, mux, rtmpPort, httpPort)
}

// hello is what the service did before.
func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }

// run adds a media server to the service, and serves until ctx ends or a part fails. It returns why.
func run(ctx context.Context, mux *http.ServeMux, rtmpPort, httpPort net.Listener) error {
	m, err := media.New(media.Config{Logger: slog.Default()})
	if err != nil {
		return err
	}
	publish, err := rtmp.NewServer(m, rtmp.Config{})
	if err != nil {
		return err
	}
	watch, err := web.NewHandler(m, web.Config{})
	if err != nil {
		return err
	}
	mux.Handle("/live/", watch)
	service := &http.Server{Handler: mux, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	ctx, stop := context.WithCancelCause(ctx)
	go func() { stop(publish.Serve(rtmpPort)) }()
	go func() { stop(service.Serve(httpPort)) }()
	<-ctx.Done()
	return errors.Join(context.Cause(ctx), m.Close(), service.Close())
}
