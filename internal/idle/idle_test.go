package idle

import (
	"io"
	"net"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/tally"
)

const soon = 20 * time.Second // a limit for what hangs

// sleeper tells of being woken.
type sleeper chan struct{}

func (s sleeper) Wake() { s <- struct{}{} }

func (s sleeper) await(t *testing.T) {
	t.Helper()
	select {
	case <-s:
	case <-time.After(soon):
		t.Fatal("nobody was woken")
	}
}

func (s sleeper) sleeps(t *testing.T) {
	t.Helper()
	select {
	case <-s:
		t.Fatal("woken for nothing")
	case <-time.After(20 * time.Millisecond):
	}
}

func watcher(t *testing.T) (*Watcher, *tally.Tally) {
	t.Helper()
	running := &tally.Tally{}
	w := NewWatcher(running)
	t.Cleanup(func() { running.Wait(); w.Close() })
	return w, running
}

// pair returns a connection that w can wait for, and its peer.
func pair(t *testing.T, w *Watcher) (conn net.Conn, peer *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	inner, err := ln.Accept()
	require.NoError(t, err)
	conn = w.Conn(inner)
	t.Cleanup(func() { conn.Close(); c.Close() })
	return conn, c.(*net.TCPConn)
}

// Whatever ends a read ends a wait, and a connection can be waited for again.
func TestAwait(t *testing.T) {
	w, _ := watcher(t)
	conn, peer := pair(t, w)
	s := make(sleeper)
	for range 3 {
		w.Await(conn, s)
		s.sleeps(t)
		_, err := peer.Write([]byte("x"))
		require.NoError(t, err)
		s.await(t)
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, err)
	}
	_, err := peer.Write([]byte("xy"))
	require.NoError(t, err)
	for range 2 { // what is there already is no less than what comes
		w.Await(conn, s)
		s.await(t)
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, err)
	}
	w.Await(conn, s)
	require.NoError(t, peer.CloseWrite())
	s.await(t)
	_, err = conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestAwaitAReset(t *testing.T) {
	w, _ := watcher(t)
	conn, peer := pair(t, w)
	s := make(sleeper)
	w.Await(conn, s)
	require.NoError(t, peer.SetLinger(0))
	require.NoError(t, peer.Close())
	s.await(t)
	_, err := conn.Read(make([]byte, 1))
	require.Error(t, err)
}

// A deadline ends a wait, whether it was set before or while somebody waits; one that is taken back does not.
func TestAwaitADeadline(t *testing.T) {
	w, _ := watcher(t)
	conn, _ := pair(t, w)
	s := make(sleeper)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	w.Await(conn, s)
	s.await(t)
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)

	require.NoError(t, conn.SetDeadline(time.Time{}))
	w.Await(conn, s)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Hour)))
	require.NoError(t, conn.SetReadDeadline(time.Time{}))
	s.sleeps(t)
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Millisecond)))
	s.await(t)

	w.Await(conn, s) // it has passed already
	s.await(t)
}

// Closing a connection ends a wait, and one that begins afterwards.
func TestAwaitTheEnd(t *testing.T) {
	w, running := watcher(t)
	conn, _ := pair(t, w)
	s := make(sleeper)
	w.Await(conn, s)
	require.NoError(t, conn.Close())
	s.await(t)
	w.Await(conn, s)
	s.await(t)
	for range 3 { // the next begins anew
		next, peer := pair(t, w)
		w.Await(next, s)
		_, err := peer.Write([]byte("x"))
		require.NoError(t, err)
		s.await(t)
		require.NoError(t, next.Close())
	}
	running.Wait()
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Zero(t, w.conns.Len(), "nothing is kept of it")
	require.Nil(t, w.poll)
}

// What the watcher cannot wait for is woken at once, and waits itself.
func TestAwaitSomethingElse(t *testing.T) {
	w, running := watcher(t)
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	require.Same(t, a, w.Conn(a))
	s := make(sleeper)
	w.Await(a, s)
	s.await(t)
	conn, _ := pair(t, w)
	running.Wait()
	w.Close()
	w.Await(conn, s)
	s.await(t)
}

// Who waits counts, so that an owner can wait for the end.
func TestWhoWaitsCounts(t *testing.T) {
	w, running := watcher(t)
	conn, _ := pair(t, w)
	s := make(sleeper)
	w.Await(conn, s)
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	select {
	case <-ended:
		t.Fatal("somebody waits")
	case <-time.After(20 * time.Millisecond):
	}
	require.NoError(t, conn.Close())
	s.await(t)
	<-ended
}

// echo answers each byte, and ends with its connection.
type echo struct {
	w     *Watcher
	conn  net.Conn
	ended *atomic.Int32
}

func (e *echo) Wake() {
	b := make([]byte, 1)
	if _, err := e.conn.Read(b); err == nil {
		if _, err = e.conn.Write(b); err == nil {
			e.w.Await(e.conn, e)
			return
		}
	}
	e.conn.Close()
	e.ended.Add(1)
}

// Many connections share a goroutine; none is forgotten, none is woken for another, and each end is seen once.
func TestManyConnections(t *testing.T) {
	w, running := watcher(t)
	var ended atomic.Int32
	var peers []net.Conn
	const n = 300
	before := runtime.NumGoroutine()
	for range n {
		conn, peer := pair(t, w)
		peers = append(peers, peer)
		w.Await(conn, &echo{w, conn, &ended})
	}
	if canPoll {
		require.Less(t, runtime.NumGoroutine(), before+n/2)
	}
	for round := range byte(5) {
		for i, peer := range peers {
			_, err := peer.Write([]byte{round + byte(i)})
			require.NoError(t, err)
		}
		for i, peer := range peers {
			b := make([]byte, 1)
			require.NoError(t, peer.SetReadDeadline(time.Now().Add(soon)))
			_, err := io.ReadFull(peer, b)
			require.NoError(t, err)
			require.Equal(t, round+byte(i), b[0])
		}
	}
	for _, peer := range peers {
		peer.Close()
	}
	running.Wait()
	require.EqualValues(t, n, ended.Load())
	w.mu.Lock()
	defer w.mu.Unlock()
	require.Zero(t, w.conns.Len())
}

// A wait that begins while its connection is closed by somebody else ends, whoever comes first.
func TestAwaitAgainstClose(t *testing.T) {
	w, running := watcher(t)
	for range 200 {
		conn, _ := pair(t, w)
		s := make(sleeper, 1)
		go conn.Close()
		w.Await(conn, s)
		s.await(t)
	}
	running.Wait()
}
