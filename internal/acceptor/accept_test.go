package acceptor

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// scripted is a listener whose Accept fails in a given order, and then waits until it is closed.
type scripted struct {
	errs   []error
	tries  int
	closed chan struct{}
}

func newScripted(errs ...error) *scripted { return &scripted{errs: errs, closed: make(chan struct{})} }

func (l *scripted) Accept() (net.Conn, error) {
	if l.tries < len(l.errs) {
		l.tries++
		return nil, l.errs[l.tries-1]
	}
	<-l.closed
	return nil, net.ErrClosed
}

func (l *scripted) Close() error {
	select {
	case <-l.closed:
	default:
		close(l.closed)
	}
	return nil
}

func (l *scripted) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7} }

type nobody struct{}

func (nobody) Serve()        {}
func (nobody) Abort()        {}
func (nobody) Plays() bool   { return false }
func (nobody) Listens() bool { return false }

var errClosed = errors.New("closed")

func newAcceptor() *Acceptor[nobody] {
	same := func(ln net.Listener) net.Listener { return ln }
	return New("x", errClosed, slog.New(slog.DiscardHandler), same, func(net.Conn) nobody { return nobody{} })
}

func acceptError(errno syscall.Errno) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", errno)}
}

// A listener that will never accept again ends Serve; whoever serves can open another.
func TestServeReturnsWhenTheListenerHasFailed(t *testing.T) {
	for _, failure := range []error{
		io.EOF, net.ErrClosed, errors.New("of somebody else's making"), acceptError(syscall.EBADF), acceptError(syscall.EINVAL),
		os.ErrDeadlineExceeded,
	} {
		synctest.Test(t, func(t *testing.T) {
			served := make(chan error, 1)
			go func() { served <- newAcceptor().Serve(newScripted(failure)) }()
			synctest.Wait()
			select {
			case err := <-served:
				require.ErrorIs(t, err, failure)
			default:
				t.Fatalf("Serve goes on after %v", failure)
			}
		})
	}
}

// What passes does not end Serve: it tries again, later and later, and at once when it is closed.
func TestServeGoesOnAfterWhatPasses(t *testing.T) {
	errs := []error{io.ErrNoProgress}
	for _, errno := range []syscall.Errno{
		syscall.EMFILE, syscall.ENFILE, syscall.ECONNABORTED, syscall.ENOBUFS, syscall.ENOMEM, syscall.EPROTO, syscall.EINTR,
	} {
		errs = append(errs, acceptError(errno))
	}
	errs[0] = fmt.Errorf("behind TLS: %w", acceptError(syscall.EMFILE))
	synctest.Test(t, func(t *testing.T) {
		a, ln := newAcceptor(), newScripted(errs...)
		served := make(chan error, 1)
		go func() { served <- a.Serve(ln) }()
		time.Sleep(time.Duration(len(errs)) * longestPause)
		synctest.Wait()
		require.Equal(t, len(errs), ln.tries)
		require.NoError(t, a.Close())
		require.Equal(t, errClosed, <-served)
	})
	synctest.Test(t, func(t *testing.T) {
		a := newAcceptor()
		served := make(chan error, 1)
		go func() { served <- a.Serve(newScripted(errs...)) }()
		synctest.Wait()
		begun := time.Now()
		require.NoError(t, a.Close())
		require.Equal(t, errClosed, <-served)
		require.Equal(t, begun, time.Now(), "it does not wait for the next try")
	})
}

func TestAddr(t *testing.T) {
	a := newAcceptor()
	require.Nil(t, a.Addr())
	first, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	second, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 2)
	go func() { served <- a.Serve(first) }()
	require.Eventually(t, func() bool { return a.Addr() != nil }, 20*time.Second, time.Millisecond)
	go func() { served <- a.Serve(second) }()
	require.Equal(t, first.Addr(), a.Addr())
	first.Close()
	require.ErrorIs(t, <-served, net.ErrClosed)
	require.Eventually(t, func() bool { return a.Addr() == second.Addr() }, 20*time.Second, time.Millisecond)
	require.NoError(t, a.Close())
	require.Equal(t, errClosed, <-served)
	require.Nil(t, a.Addr())
}
