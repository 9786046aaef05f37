// Command authhook is a media server that asks for a token: rtmp://HOST/live/NAME?token=… to publish,
// http://HOST:8080/live/NAME.live.flv?token=… or rtmp to watch. The tokens are PUBLISH_TOKEN and PLAY_TOKEN in the
// environment.
package main

import (
	"context"
	"errors"
	"log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/sluice-media/sluice/hook"
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

// serve opens the ports and runs the server.
func serve(ctx context.Context) error {
	guard := &tokens{publish: os.Getenv("PUBLISH_TOKEN"), play: os.Getenv("PLAY_TOKEN")}
	if guard.publish == "" || guard.play == "" {
		return errors.New("set PUBLISH_TOKEN and PLAY_TOKEN")
	}
	rtmpPort, err1 := net.Listen("tcp", ":1935")
	httpPort, err2 := net.Listen("tcp", ":8080")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return run(ctx, guard, rtmpPort, httpPort)
}

// run serves until ctx ends or a part fails, and returns why.
func run(ctx context.Context, guard hook.Hook, rtmpPort, httpPort net.Listener) error {
	m, err := media.New(media.Config{Logger: slog.Default(), Hooks: []hook.Hook{guard}})
	if err != nil {
		return err
	}
	rtmpServer, err := rtmp.NewServer(m, rtmp.Config{})
	if err != nil {
		return err
	}
	handler, err := web.NewHandler(m, web.Config{})
	if err != nil {
		return err
	}
	httpServer := &http.Server{Handler: handler, ReadTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	ctx, stop := context.WithCancelCause(ctx)
	go func() { stop(rtmpServer.Serve(rtmpPort)) }()
	go func() { stop(httpServer.Serve(httpPort)) }()
	<-ctx.Done()
	return errors.Join(context.Cause(ctx), m.Close(), httpServer.Close())
}
