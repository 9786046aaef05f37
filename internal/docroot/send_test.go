package docroot

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// serveLarge serves a file of so many bytes by a Writer with that patience. What Send leaves is told.
func serveLarge(t *testing.T, size int, patience time.Duration, also func(*Writer)) (addr string, left chan int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, bytes.Repeat([]byte("0123456789abcdef"), size/16), 0o600))
	left = make(chan int, 1)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Open(path)
		if err != nil {
			return
		}
		defer file.Close()
		info, err := file.Stat()
		if err != nil {
			return
		}
		rest := size
		out := NewWriter(w, func(n int) { rest -= n })
		out.patience = patience
		if also != nil {
			also(out)
		}
		w.Header().Set("Content-Type", "text/plain")
		Send(out, r, file, info)
		left <- rest
	}))
	s.Start()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String(), left
}

func ask(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(16<<10))
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
	require.NoError(t, err)
	return conn
}

// Who does not read is cut off.
func TestStalledDownloadsEnd(t *testing.T) {
	addr, left := serveLarge(t, 64<<20, 200*time.Millisecond, nil)
	ask(t, addr)
	select {
	case n := <-left:
		require.Positive(t, n)
	case <-time.After(20 * time.Second):
		t.Fatal("it goes on")
	}
}

// Who reads slowly gets all of a file, also if that takes much longer than a client may take for a stretch.
func TestSlowDownloadsGoOn(t *testing.T) {
	const size = 24 << 20
	addr, left := serveLarge(t, size, 3*time.Second, nil)
	conn := ask(t, addr)
	begun := time.Now()
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer reply.Body.Close()
	var total int64
	for { // 8 s
		n, err := io.CopyN(io.Discard, reply.Body, 300<<10)
		if total += n; err != nil {
			require.Equal(t, io.EOF, err)
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.EqualValues(t, size, total)
	require.Zero(t, <-left)
	require.Greater(t, time.Since(begun), 3*time.Second)
}

// A reply that is stopped ends at once, before its first byte too.
func TestStop(t *testing.T) {
	addr, left := serveLarge(t, 64<<20, time.Hour, func(w *Writer) { time.AfterFunc(100*time.Millisecond, w.Stop) })
	ask(t, addr)
	require.Positive(t, <-left)
	addr, left = serveLarge(t, 64<<20, time.Hour, func(w *Writer) { w.Stop() })
	ask(t, addr)
	require.Equal(t, 64<<20, <-left)
}

// plain is a ResponseWriter that has no io.ReaderFrom and takes no deadlines, as some of hosts are.
type plain struct{ *httptest.ResponseRecorder }

func TestPlainWriter(t *testing.T) {
	rec := httptest.NewRecorder()
	w := NewWriter(plain{rec}, nil)
	n, err := w.ReadFrom(bytes.NewReader(make([]byte, 3*stretch+7)))
	require.NoError(t, err)
	require.EqualValues(t, 3*stretch+7, n)
	n, err = w.ReadFrom(&io.LimitedReader{R: bytes.NewReader(make([]byte, 100)), N: 50})
	require.NoError(t, err)
	require.EqualValues(t, 50, n)
	m, err := w.Write(make([]byte, 2*stretch))
	require.NoError(t, err)
	require.Equal(t, 2*stretch, m)
	require.Equal(t, 5*stretch+57, rec.Body.Len())
}
