package ahead

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
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

// What the peer says meanwhile is there afterwards.
func TestWhile(t *testing.T) {
	a, b := pipe(t)
	r := NewReader(b, 16, nil)
	failed := errors.New("failed")
	err := r.While(b, func(ctx context.Context) error {
		_, err := a.Write([]byte("hello, this is more than is read ahead"))
		require.NoError(t, err)
		time.Sleep(20 * time.Millisecond)
		require.NoError(t, ctx.Err())
		return failed
	})
	require.ErrorIs(t, err, failed)
	got := make([]byte, 38)
	_, err = io.ReadFull(r, got)
	require.NoError(t, err)
	require.Equal(t, "hello, this is more than is read ahead", string(got))
}

func TestWhileThePeerLeaves(t *testing.T) {
	a, b := pipe(t)
	r := NewReader(b, 16, nil)
	err := r.While(b, func(ctx context.Context) error {
		a.Close()
		<-ctx.Done()
		return ctx.Err()
	})
	require.ErrorIs(t, err, context.Canceled)
}
