package fanout

import (
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// release lets go of what no reader needs, as an output does at a start point.
func (s *stream) release() { s.log.Release(s.group.Oldest()) }

// held returns the numbers of the first item the log holds and of the next to come.
func (s *stream) held() (tail, head uint64) { return s.log.Tail(), s.log.Head() }

func TestReleaseKeepsTheNewestStart(t *testing.T) {
	log := NewLog[int](Limits{Bytes: 1 << 20, Items: 1000})
	log.Release(5)
	for i := range 3 {
		log.Append(i, 10, false)
	}
	log.Release(2)
	require.Zero(t, log.Tail(), "nobody could begin: what comes is decided by the limits alone")
	for i := range 10 {
		log.Append(i, 10, i%5 == 0) // starts 3 and 8
	}
	log.Release(5)
	require.EqualValues(t, 5, log.Tail())
	require.Equal(t, []uint64{8}, log.Starts())
	log.Release(100)
	require.EqualValues(t, 8, log.Tail(), "a new reader begins there")
	require.Equal(t, 50, log.Size())
	log.Hold(9)
	log.Append(0, 10, true)
	log.Release(100)
	require.EqualValues(t, 9, log.Tail(), "somebody wants it kept")
	log.Discard(100)
	require.Equal(t, log.Head(), log.Tail())
	require.Zero(t, log.Size())
	require.Empty(t, log.Starts())
	log.Append(1, 10, true)
	require.Equal(t, []uint64{log.Tail()}, log.Starts(), "a new reader begins there")
}

// eventually waits for what other goroutines do.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, time.Millisecond)
}

// What all have is let go of, what one lacks is kept as long as the log's own rule says.
func TestLogIsKeptForTheSlowest(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := NewEngine(2)
	defer e.Close()
	s := newStream(e, wide)
	quick, client := tcpPair(t)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.Copy(io.Discard, client)
	}()
	defer func() {
		quick.Close()
		<-drained
	}()
	s.write(1000, true)
	f, err := e.NewFeed(quick, s.log, s.group, FeedConfig{})
	require.NoError(t, err)
	defer f.Close()
	for i := range 20 {
		s.write(1000, i%5 == 0)
		s.group.Wake()
		eventually(t, func() bool { return s.group.Oldest() == s.log.Head() })
		s.release()
	}
	tail, head := s.held()
	require.Equal(t, head-5, tail)

	slow := NewReader(func() Cursor[Item] { return NewCursor(s.log) }, s.group, nil)
	first := s.log.Head() - 5
	for i := range 3 {
		s.write(1000, i%5 == 0)
		s.group.Wake()
		s.release()
	}
	tail, _ = s.held()
	require.Equal(t, first, tail, "two groups of pictures are there, and the slow one has taken nothing")
	items := make([]Item, 100)
	n, _, err := slow.Read(context.Background(), items)
	require.NoError(t, err)
	require.Equal(t, 8, n)
	require.Zero(t, slow.Skipped())
	eventually(t, func() bool { return s.group.Oldest() == s.log.Head() })
	s.release()
	tail, head = s.held()
	require.Equal(t, head-3, tail)
	slow.Close()
	s.log.Close()
}

// With what a reader is told to begin, it begins, also if a start point comes before it has taken anything.
func TestBeginningIsKept(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, wide)
	s.write(100, true)
	s.write(100, false)
	next := func() {
		s.write(100, true)
		s.release()
	}
	server, client := tcpPair(t)
	f, err := e.NewFeed(server, s.log, s.group, FeedConfig{Begin: func(first *Item) []byte {
		next()
		return nil
	}})
	require.NoError(t, err)
	defer f.Close()
	head := make([]byte, 4+9)
	_, err = io.ReadFull(client, head)
	require.NoError(t, err)
	require.Equal(t, []byte{0, 0, 0, 0}, head[8:12], "the first item")

	sink := &countingSink{}
	sf, err := e.NewSinkFeed(sink, s.log, s.group, SinkConfig{}, func(first *Item) { next() })
	require.NoError(t, err)
	defer sf.Close()
	require.Equal(t, byte(2), sink.first, "the item that was the newest start")

	r := NewReader(func() Cursor[Item] {
		c := NewCursor(s.log)
		next()
		return c
	}, s.group, nil)
	defer r.Close()
	items := make([]Item, 10)
	n, _, err := r.Read(context.Background(), items)
	require.NoError(t, err)
	require.Equal(t, 2, n)
	s.log.Close()
}

// Of what comes at once no reader loses anything, however many groups of pictures it is; a moment later what is over goes.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := NewEngine(1)
		defer e.Close()
		log := NewLog[int](Limits{Bytes: 1 << 20, Items: 1000})
		g := e.NewGroup()
		log.Append(0, 10, true)
		r := NewReader(func() Cursor[int] { return NewCursor(log) }, g, nil)
		defer r.Close()
		for i := 1; i < 100; i++ {
			log.Append(i, 10, i%5 == 0)
		}
		items := make([]int, 200)
		n, _, err := r.Read(t.Context(), items)
		require.NoError(t, err)
		require.Equal(t, 100, n)
		require.Zero(t, r.Skipped())
		time.Sleep(leeway)
		log.Append(100, 10, true)
		require.EqualValues(t, 95, log.Tail())
		for i := 101; i < 5000; i++ {
			log.Append(i, 10, true)
		}
		require.EqualValues(t, 4000, log.Tail(), "the limits hold")
	})
}

// Of sound alone, a reader that has no turn for seconds loses nothing; what takes much goes as soon as nobody can need it.
func TestLeeway(t *testing.T) {
	const step, group = 20 * time.Millisecond, 50
	for size, most := range map[int]int{160: int(leeway/step) + 2*group, leewayBytes / 10: 3 * group} {
		synctest.Test(t, func(t *testing.T) {
			log := NewLog[int](Limits{Bytes: 1 << 30, Items: 100000})
			for i := range 20 * group {
				log.Append(i, size, i%group == 0)
				time.Sleep(step)
			}
			kept := int(log.Head() - log.Tail())
			require.Less(t, kept, most)
			require.Greater(t, kept, most-2*group)
		})
	}
}

// countingSink remembers the number of the first item.
type countingSink struct {
	first  byte
	chunks [][]byte
}

func (k *countingSink) Queue(_ Batch, chunks [][]byte) Batch {
	if k.chunks == nil {
		k.first = chunks[1][7] // behind the intro
	}
	k.chunks = chunks
	return nil
}

func (k *countingSink) Result() (chunks, bytes int, err error) { return len(k.chunks), 0, nil }
