package rtmp_test

import (
	"errors"
	"fmt"
	"net"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

func Example() {
	m, err := media.New(media.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	s, err := rtmp.NewServer(m, rtmp.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0") // or s.ListenAndServe(":1935")
	if err != nil {
		fmt.Println(err)
		return
	}
	served := make(chan error)
	go func() { served <- s.Serve(ln) }()
	// … until the service ends: the media server takes its protocol servers with it.
	fmt.Println(m.Close(), errors.Is(<-served, rtmp.ErrServerClosed))
	// Output: <nil> true
}
