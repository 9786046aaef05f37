package gb28181_test

import (
	"context"
	"fmt"
	"log"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

// A port for a camera that was told by SIP where to send to, and its stream sent on to another platform.
func Example() {
	m, err := media.New(media.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := gb28181.NewServer(m, gb28181.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	camera := media.StreamKey{App: "rtp", Name: "34020000001320000001"}
	port, err := s.Open(ctx, gb28181.Request{Stream: camera, Mode: gb28181.TCPPassive, SSRC: 100000001})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("tell it in the INVITE:", port.Number >= 30000)
	_, err = s.Send(ctx, gb28181.SendRequest{Stream: camera, SSRC: 1, Host: "192.0.2.7", Port: 40000, UDP: true})
	fmt.Println(err) // it has not begun to send
	fmt.Println(s.ClosePort(camera))
	// Output:
	// tell it in the INVITE: true
	// media: stream not found
	// true
}
