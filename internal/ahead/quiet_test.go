package ahead

import (
	"bytes"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Only how the system is called differs.
func TestStreamReads(t *testing.T) {
	a, b := pipe(t)
	r := NewReader(b, 16, nil)
	_, err := a.Write([]byte("head"))
	require.NoError(t, err)
	_, err = r.Peek(4)
	require.NoError(t, err)
	r.Stream(1 << 10)
	sent := bytes.Repeat([]byte("0123456789"), 1<<16) // more than sockets hold: reading waits, and so does writing
	go func() {
		_, _ = a.Write(sent)
		a.Close()
	}()
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "head", string(got[:4]))
	require.True(t, bytes.Equal(sent, got[4:]))
	require.EqualValues(t, len(got), r.Count())
}

func TestStreamEndsByDeadline(t *testing.T) {
	_, b := pipe(t)
	r := NewReader(b, 16, nil)
	r.Stream(16)
	require.NoError(t, b.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err := r.Peek(1)
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	var timeout net.Error
	require.ErrorAs(t, err, &timeout)
	require.True(t, timeout.Timeout())
}

func TestStreamEndsByClose(t *testing.T) {
	_, b := pipe(t)
	r := NewReader(b, 16, nil)
	r.Stream(16)
	time.AfterFunc(10*time.Millisecond, func() { b.Close() })
	_, err := r.Peek(1)
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestStreamEndsByReset(t *testing.T) {
	a, b := pipe(t)
	r := NewReader(b, 16, nil)
	r.Stream(16)
	require.NoError(t, a.(*net.TCPConn).SetLinger(0))
	a.Close()
	_, err := r.Peek(1)
	var failed *net.OpError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "read", failed.Op)
}

func TestStreamOfSomethingElse(t *testing.T) {
	r := NewReader(bytes.NewReader([]byte("abc")), 16, nil)
	r.Stream(32)
	got, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, "abc", string(got))
}
