package acceptor

import (
	"io"
	"log/slog"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// listener is a session that waits for one byte.
type listener struct {
	conn net.Conn
	over func(*listener, error)
}

func (l *listener) Serve() {
	_, err := l.conn.Read(make([]byte, 1))
	l.conn.Close()
	l.over(l, err)
}
func (l *listener) Abort()        { l.conn.Close() }
func (l *listener) Plays() bool   { return false }
func (l *listener) Listens() bool { return true }

// Peers that say nothing take no goroutine. Each session begins all the same, when its peer speaks or leaves, its time is over,
// or the server ends.
func TestSilentPeersTakeNoGoroutine(t *testing.T) {
	const peers, speak, leave, late = 200, 50, 50, 50
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ends := make(chan error, peers)
	let := make(chan net.Conn, peers)
	var a *Acceptor[*listener]
	a = New("x", errClosed, slog.New(slog.DiscardHandler),
		func(ln net.Listener) net.Listener { return ln },
		func(c net.Conn) *listener {
			let <- c
			return &listener{c, func(l *listener, err error) { a.Forget(l); ends <- err }}
		})
	served := make(chan error, 1)
	go func() { served <- a.Serve(ln) }()
	before := runtime.NumGoroutine()
	var there []net.Conn
	var here []net.Conn
	for range peers {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		defer c.Close()
		there = append(there, c)
		here = append(here, <-let)
	}
	require.Less(t, runtime.NumGoroutine(), before+10)
	require.Empty(t, ends)
	end := func(n int, want error) {
		t.Helper()
		for range n {
			select {
			case err := <-ends:
				require.ErrorIs(t, err, want)
			case <-time.After(20 * time.Second):
				require.Fail(t, "a session does not begin")
			}
		}
	}
	for _, c := range there[:speak] {
		_, err := c.Write([]byte{1})
		require.NoError(t, err)
	}
	end(speak, nil)
	for _, c := range there[speak:][:leave] {
		require.NoError(t, c.Close())
	}
	end(leave, io.EOF)
	for _, c := range here[speak+leave:][:late] {
		require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Millisecond)))
	}
	end(late, os.ErrDeadlineExceeded)
	require.NoError(t, a.Close())
	end(peers-speak-leave-late, net.ErrClosed)
	require.Equal(t, errClosed, <-served)
}
