// Command embed is a web service with a media server inside: publish to rtmp://HOST/live/NAME or rtsp://HOST:8554/live/NAME,
// watch there or at http://HOST:8080/live/NAME.live.flv, control it at http://HOST:8080/index/api/. API_SECRET in the
// environment is the secret of the API; without it only programs on the same machine may call.
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

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
	"github.com/sluice-media/sluice/rtsp"
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
	rtspPort, err2 := net.Listen("tcp", ":8554")
	httpPort, err3 := net.Listen("tcp", ":8080")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", hello)
	return run(ctx, mux, os.Getenv("API_SECRET"), rtmpPort, rtspPort, httpPort)
}

// hello is what the service did before.
func hello(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") }

// run adds a media server to the service, and serves until ctx ends or a part fails. It returns why.
func run(ctx context.Context, mux *http.ServeMux, secret string, rtmpPort, rtspPort, httpPort net.Listener) error {
	m, err := media.New(media.Config{Logger: slog.Default()})
	if err != nil {
		return err
	}
	publish, err1 := rtmp.NewServer(m, rtmp.Config{})
	cameras, err2 := rtsp.NewServer(m, rtsp.Config{})
	watch, err3 := web.NewHandler(m, web.Config{})
	control, err4 := api.NewHandler(m, api.Options{Secret: secret})
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	mux.Handle("/live/", watch)
	mux.Handle("/index/", control)
	service := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	ctx, stop := context.WithCancelCause(ctx)
	go func() { stop(publish.Serve(rtmpPort)) }()
	go func() { stop(cameras.Serve(rtspPort)) }()
	go func() { stop(service.Serve(httpPort)) }()
	<-ctx.Done()
	return errors.Join(context.Cause(ctx), m.Close(), service.Close())
}
