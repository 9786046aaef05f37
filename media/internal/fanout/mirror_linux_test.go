package fanout

import (
	"errors"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Readers get the same bytes from the files of a mirror as from memory, also those that are slow, and at the borders of
// files.
func TestMirroredFeeds(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := NewEngine(2)
	s := newStream(e, wide)
	s.mirror = &Mirror{}
	s.write(100, true)
	var reading sync.WaitGroup
	for i := range 40 {
		server, client := tcpPair(t)
		ended := make(chan error, 1)
		_, _ = e.NewFeed(server, s.log, s.group, FeedConfig{OnEnd: func(err error) {
			server.Close()
			ended <- err
		}})
		reading.Go(func() {
			got := parse(t, &dawdler{Conn: client, pause: time.Duration(i%4) * 100 * time.Microsecond})
			require.EqualError(t, <-ended, "EOF")
			require.Len(t, got.seqs, int(s.seq), "reader %d", i)
		})
	}
	require.Equal(t, 40, s.group.Sockets())
	for range 60 {
		for i := range 5 {
			s.write(20000+i, false)
		}
		s.group.Wake()
		time.Sleep(time.Millisecond)
	}
	require.Greater(t, len(s.mirror.segments), 4)
	s.log.Close()
	s.group.Wake()
	reading.Wait()
	e.Close()
	require.Zero(t, s.group.Sockets())
}

// dawdler reads slowly.
type dawdler struct {
	net.Conn
	pause time.Duration
}

func (d *dawdler) Read(b []byte) (int, error) {
	time.Sleep(d.pause)
	return d.Conn.Read(b)
}

// A write is sent from a file only if all of it lies there, one item behind the other.
func TestSpan(t *testing.T) {
	var m Mirror
	var items [4]Item
	for i := range items {
		items[i] = Item{mem: make([]byte, 600<<10), end: 600 << 10}
		require.NoError(t, m.Add(&items[i], uint64(i)))
	}
	require.Len(t, m.segments, 2)
	spanOf := func(list ...*Item) span {
		var s Scratch
		for i, it := range list {
			s.addItem(uint64(i), it)
		}
		return s.span
	}
	require.Equal(t, span{m.segments[0], 0}, spanOf(&items[0], &items[1]))
	require.Equal(t, span{m.segments[1], 600 << 10}, spanOf(&items[3]))
	require.Zero(t, spanOf(&items[1], &items[2]), "in two files")
	require.Zero(t, spanOf(&items[0], &items[0]), "not one behind the other")
	require.Zero(t, spanOf(&items[0], &Item{mem: []byte("x"), end: 1}), "only the first is mirrored")
	require.Zero(t, spanOf(&Item{mem: []byte("x"), end: 1}, &items[0]), "only the second is mirrored")
	var s Scratch
	s.addBytes([]byte("header"))
	s.addItem(0, &items[0])
	require.Zero(t, s.span, "behind a header")
}

// The files of items that the log has let go of are closed at once, but for one that is being sent from; and all when the
// mirror is.
func TestMirrorCloses(t *testing.T) {
	before := files(t)
	budget := &Budget{}
	budget.Set(1 << 30)
	m := Mirror{Budget: budget}
	var first Item
	for i := range 20 {
		it := Item{mem: make([]byte, 600<<10), end: 600 << 10}
		m.Trim(uint64(max(i-3, 0)))
		require.NoError(t, m.Add(&it, uint64(i)))
		if i == 0 {
			first = it
			require.True(t, first.file.use())
		}
	}
	require.LessOrEqual(t, len(m.segments), 3)
	require.Equal(t, before+len(m.segments)+1, files(t))
	first.file.release()
	require.False(t, first.file.use())
	require.Equal(t, before+len(m.segments), files(t))
	require.Positive(t, budget.Used())
	m.Close()
	require.Equal(t, before, files(t))
	require.Zero(t, budget.Used())
}

// Mirrors that share a budget hold no more than it allows, and what is over it goes out as copies.
func TestMirrorsShareABudget(t *testing.T) {
	defer goleak.VerifyNone(t)
	const most = 3 << 20
	e := NewEngine(1)
	budget := &Budget{}
	budget.Set(most)
	var reading sync.WaitGroup
	for range 4 {
		s := newStream(e, Limits{Bytes: 64 << 20, Items: 1000})
		s.mirror = &Mirror{Budget: budget}
		server, client := tcpPair(t)
		_, err := e.NewFeed(server, s.log, s.group, FeedConfig{OnEnd: func(error) { server.Close() }})
		require.NoError(t, err)
		reading.Go(func() { require.Len(t, parse(t, client).seqs, 50) })
		for i := range 50 {
			s.write(40000, i == 0)
			s.group.Wake()
			require.LessOrEqual(t, budget.Used(), most)
		}
		s.mirror.Close() // who is behind gets copies
		require.Zero(t, budget.Used())
		s.mirror = &Mirror{Budget: budget}
		for range 80 {
			it := s.arena.Item(append(s.arena.Tail(40000), make([]byte, 40000)...))
			require.NoError(t, s.mirror.Add(&it, 0))
		}
		require.LessOrEqual(t, budget.Used(), most)
		require.Greater(t, budget.Used(), most-40000)
		s.mirror.Close()
		s.log.Close()
		s.group.Wake()
	}
	reading.Wait()
	e.Close()
	off := Mirror{Budget: &Budget{}}
	it := Item{mem: []byte("abc"), end: 3}
	require.NoError(t, off.Add(&it, 0))
	require.Nil(t, it.file)
}

func files(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	return len(list)
}

// Where there can be no files, items are just not mirrored.
func TestMirrorFails(t *testing.T) {
	m := Mirror{err: errors.New("no files here")}
	it := Item{mem: []byte("abc"), end: 3}
	require.NoError(t, m.Add(&it, 0), "it has been said once")
	require.Nil(t, it.file)
}
