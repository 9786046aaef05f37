//go:build unix

package acceptor

import (
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// echo is a session that says one byte.
type echo struct {
	conn net.Conn
	over func(*echo)
}

func (e *echo) Serve() {
	_, _ = e.conn.Write([]byte{1})
	e.conn.Close()
	e.over(e)
}
func (e *echo) Abort()        { e.conn.Close() }
func (e *echo) Plays() bool   { return false }
func (e *echo) Listens() bool { return false }

// While all descriptors are taken nobody can be let in, but once one is free whoever waits is.
func TestAcceptingOutlivesAWantOfDescriptors(t *testing.T) {
	var before syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	few := before
	few.Cur = 200
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &few))
	defer func() { require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)) }()

	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	seen := make(chan string, 100)
	var a *Acceptor[*echo]
	a = New("x", errClosed, slog.New(slog.NewTextHandler(writer(func(b []byte) { seen <- string(b) }), nil)),
		func(ln net.Listener) net.Listener { return ln },
		func(c net.Conn) *echo { return &echo{c, func(e *echo) { a.Forget(e) }} })
	served := make(chan error, 1)
	go func() { served <- a.Serve(ln) }()

	var taken []*os.File
	defer func() {
		for _, f := range taken {
			f.Close()
		}
	}()
	for {
		f, err := os.Open(os.DevNull)
		if err != nil {
			require.ErrorIs(t, err, syscall.EMFILE)
			break
		}
		taken = append(taken, f)
	}
	taken[0].Close() // for the client
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	require.Contains(t, <-seen, "accept failed, trying again")
	for _, f := range taken[1:10] {
		f.Close()
	}
	require.NoError(t, client.SetDeadline(time.Now().Add(20*time.Second)))
	_, err = io.ReadFull(client, make([]byte, 1))
	require.NoError(t, err)
	require.NoError(t, a.Close())
	require.Equal(t, errClosed, <-served)
}

type writer func([]byte)

func (w writer) Write(b []byte) (int, error) { w(b); return len(b), nil }
