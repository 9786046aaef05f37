package rtsp_test

import (
	"context"
	"fmt"
	"time"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// A server and its RTSP port, for as long as the service runs.
func Example() {
	m, err := media.New(media.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := rtsp.NewServer(m, rtsp.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error, 1)
	go func() { served <- s.ListenAndServe("127.0.0.1:0") }()

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	fmt.Println(m.Shutdown(ctx))
	fmt.Println(<-served)
	// Output:
	// <nil>
	// rtsp: server closed
}

// Pull publishes what a camera sends, for as long as the context lasts.
func ExamplePull() {
	m, err := media.New(media.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer m.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err = rtsp.Pull(ctx, m, "rtsp://user:password@127.0.0.1:1/camera", media.StreamKey{App: "live", Name: "door"}, rtsp.ClientConfig{})
	fmt.Println(err != nil) // nobody is there
	// Output: true
}
