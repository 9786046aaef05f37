// Command recorder records every stream that is published to rtmp://HOST/live/NAME, below www/record/live, and prints the files that are
// finished.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
	"github.com/sluice-media/sluice/rtmp"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ln, err := net.Listen("tcp", ":1935")
	if err == nil {
		err = run(ctx, ln, "www", os.Stdout)
	}
	if err != nil {
		log.Println(err)
	}
}

// printer prints what is finished.
type printer struct{ out io.Writer }

var _ hook.RecordMP4Hook = printer{}

func (p printer) OnRecordMP4(_ context.Context, f *hook.RecordEvent) {
	fmt.Fprintln(p.out, f.FilePath, f.Length, f.FileSize)
}

// run records until ctx ends. Then it finishes what is being recorded.
func run(ctx context.Context, ln net.Listener, dir string, out io.Writer) error {
	m, err := media.New(media.Config{Hooks: []hook.Hook{printer{out}}})
	if err != nil {
		return err
	}
	recorder, err1 := record.New(m, record.Config{Dir: dir})
	server, err2 := rtmp.NewServer(m, rtmp.Config{})
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	isLive := func(key media.StreamKey) bool { return key.App == "live" }
	m.Tap(isLive, media.TapFunc(func(ctx context.Context, st *media.Stream) error {
		return recorder.Start(ctx, record.Request{Stream: st.Key()})
	}))
	go server.Serve(ln) //nolint:errcheck // it ends with m
	<-ctx.Done()
	return errors.Join(recorder.Shutdown(context.Background()), m.Shutdown(context.Background()))
}
