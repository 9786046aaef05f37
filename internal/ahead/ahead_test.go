package ahead

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/idle"
	"github.com/sluice-media/sluice/internal/tally"
)

func TestResizeKeepsWhatWasReadAhead(t *testing.T) {
	seen := 0
	r := NewReader(bytes.NewReader([]byte("0123456789abcdefghijklmnopqrstuvwxyz")), 16, func(n int) { seen += n })
	_, err := r.Peek(10)
	require.NoError(t, err)
	r.Resize(32)
	b := make([]byte, 4)
	_, err = io.ReadFull(r, b)
	require.NoError(t, err)
	require.Equal(t, "0123", string(b))
	require.NoError(t, r.Wait())
	r.Resize(16)
	rest, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "456789abcdefghijklmnopqrstuvwxyz", string(rest))
	require.Equal(t, 36, seen)
	require.EqualValues(t, 36, r.Count())
	require.ErrorIs(t, r.Wait(), io.EOF)
}

func pipe(t *testing.T) (a, b net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	a, err = net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	b, err = ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}

// waitable makes a connection one that can be waited for without a goroutine, where the system can.
func waitable(t *testing.T, c net.Conn) net.Conn {
	t.Helper()
	w := idle.NewWatcher(new(tally.Tally))
	t.Cleanup(w.Close)
	return w.Conn(c)
}

// What the peer says meanwhile is there afterwards.
func TestWhile(t *testing.T) {
	for name, of := range map[string]func(*testing.T, net.Conn) net.Conn{
		"by a goroutine": func(_ *testing.T, c net.Conn) net.Conn { return c }, "without": waitable,
	} {
		t.Run(name, func(t *testing.T) {
			a, b := pipe(t)
			b = of(t, b)
			r := NewReader(b, 16, nil)
			failed := errors.New("failed")
			for range 3 {
				err := r.While(b, func(ctx context.Context) error {
					_, err := a.Write([]byte("hello, this is more than is read ahead"))
					require.NoError(t, err)
					time.Sleep(20 * time.Millisecond)
					require.NoError(t, ctx.Err())
					return failed
				})
				require.ErrorIs(t, err, failed)
				require.NoError(t, r.While(b, func(ctx context.Context) error { return ctx.Err() }), "something is read ahead")
				got := make([]byte, 38)
				_, err = io.ReadFull(r, got)
				require.NoError(t, err)
				require.Equal(t, "hello, this is more than is read ahead", string(got))
				require.NoError(t, r.While(b, func(ctx context.Context) error { return ctx.Err() }), "nothing is read ahead")
			}
		})
		t.Run("the peer leaves "+name, func(t *testing.T) {
			a, b := pipe(t)
			b = of(t, b)
			r := NewReader(b, 16, nil)
			err := r.While(b, func(ctx context.Context) error {
				require.NoError(t, a.Close())
				<-ctx.Done()
				return ctx.Err()
			})
			require.ErrorIs(t, err, context.Canceled)
		})
	}
}

// Peers that wait take no goroutine but that of what they wait for.
func TestWhileTakesNoGoroutine(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // elsewhere there is one that reads
	}
	const n = 50
	w := idle.NewWatcher(new(tally.Tally))
	defer w.Close()
	before := runtime.NumGoroutine()
	var wait sync.WaitGroup
	entered, leave := make(chan struct{}), make(chan struct{})
	for range n {
		_, b := pipe(t)
		b = w.Conn(b)
		wait.Go(func() {
			_ = NewReader(b, 16, nil).While(b, func(context.Context) error {
				entered <- struct{}{}
				<-leave
				return nil
			})
		})
	}
	for range n {
		<-entered
	}
	got := runtime.NumGoroutine() - before
	close(leave)
	wait.Wait()
	require.Less(t, got, n+n/2, "one for each, and that of the watcher")
}
