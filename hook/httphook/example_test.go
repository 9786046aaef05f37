package httphook_test

import (
	"fmt"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
	"github.com/sluice-media/sluice/media"
)

// A server whose publishers a backend admits, and which tells it of streams.
func Example() {
	backend, err := httphook.New(httphook.Config{
		URLs: map[string]string{
			"on_publish":        "https://backend.example/hook/on_publish",
			"on_stream_changed": "https://backend.example/hook/on_stream_changed",
		},
		ServerID: "edge-7",
		Timeout:  2 * time.Second,
		Key:      []byte("shared with the backend"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()
	server, err := media.New(media.Config{Hooks: []hook.Hook{backend}, HookTimeout: 10 * time.Second})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Close()
	fmt.Println("ready")
	// Output: ready
}
