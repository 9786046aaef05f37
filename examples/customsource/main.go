// Command customsource publishes pictures that are made by code: a stripe that wanders over the screen. Watch
// http://HOST:8080/live/stripe.live.flv or rtmp://HOST/live/stripe.
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
	rtmpPort, err1 := net.Listen("tcp", ":1935")
	httpPort, err2 := net.Listen("tcp", ":8080")
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return run(ctx, rtmpPort, httpPort)
}

// run serves until ctx ends or a part fails, and returns why.
func run(ctx context.Context, rtmpPort, httpPort net.Listener) error {
	m, err := media.New(media.Config{Logger: slog.Default()})
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
	go func() { stop(publish(ctx, m)) }()
	<-ctx.Done()
	return errors.Join(context.Cause(ctx), m.Close(), httpServer.Close())
}

const (
	columns, rows = 8, 6 // of 16x16 pixels
	period        = 100 * time.Millisecond
)

// publish writes a picture every period until ctx or the server ends.
func publish(ctx context.Context, m *media.Server) error {
	pub, err := m.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "stripe"}})
	if err != nil {
		return err
	}
	defer pub.Close(nil)
	track := newTrack(columns, rows)
	if err := pub.SetTracks(track); err != nil {
		return err
	}
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	for n := 0; ; n++ {
		at := time.Duration(n) * period
		err := pub.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Key: true, Data: encode(draw(n), n)})
		if err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
