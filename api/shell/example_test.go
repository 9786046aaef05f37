package shell_test

import (
	"context"
	"log"
	"net"

	"github.com/sluice-media/sluice/api/shell"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// A shell that only operators may use, on this machine.
func Example() {
	operators := hook.Funcs{OnShellLogin: func(_ context.Context, ev *hook.ShellLoginEvent) error {
		if ev.UserName != "operator" || !ev.Session.Remote.Addr().IsLoopback() {
			return hook.Deny(401, "operators only")
		}
		return nil // or look at ev.Password
	}}
	m, err := media.New(media.Config{Hooks: []hook.Hook{operators}})
	if err != nil {
		log.Fatal(err)
	}
	defer m.Close()
	s, err := shell.NewServer(m, shell.Config{Name: "studio"})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	go func() { _ = s.Serve(ln) }() // until m.Close
	// Output:
}
