package fanout

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// memorySink keeps what it gets, when it is flushed.
type memorySink struct {
	mu    sync.Mutex
	got   [][]byte
	fail  func(n int) error // asked before the nth chunk is taken
	taken int
	bytes int
	err   error
}

// memoryBatch is what memory sinks have not taken yet.
type memoryBatch struct {
	sinks   []*memorySink
	chunks  [][][]byte
	flushes int
}

func (b *memoryBatch) Flush() {
	b.flushes++
	for i, s := range b.sinks {
		s.take(b.chunks[i])
	}
	b.sinks, b.chunks = nil, nil
}

func (s *memorySink) Queue(queued Batch, chunks [][]byte) Batch {
	b, ok := queued.(*memoryBatch)
	if !ok {
		b = &memoryBatch{}
	}
	b.sinks, b.chunks = append(b.sinks, s), append(b.chunks, append([][]byte(nil), chunks...))
	return b
}

func (s *memorySink) Result() (chunks, bytes int, err error) { return s.taken, s.bytes, s.err }

func (s *memorySink) take(chunks [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken, s.bytes, s.err = 0, 0, nil
	for _, b := range chunks {
		if s.fail != nil {
			if s.err = s.fail(len(s.got)); s.err != nil {
				s.fail = nil
				return
			}
		}
		s.got = append(s.got, append([]byte(nil), b...))
		s.taken++
		s.bytes += len(b)
	}
}

// seqs returns the numbers of the items, and -1 for a header.
func (s *memorySink) seqs() []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []int
	for _, b := range s.got {
		if len(b) == 4 {
			list = append(list, -1)
			continue
		}
		list = append(list, int(binary.BigEndian.Uint32(b[4:])))
	}
	return list
}

func TestSinkFeed(t *testing.T) {
	e := NewEngine(2)
	defer e.Close()
	s := newStream(e, Limits{Bytes: 1 << 20, Items: 1000})
	s.write(100, true)
	s.write(100, false)
	sink := &memorySink{}
	var sent, skipped atomic.Uint64
	ended := make(chan error, 1)
	var first []byte
	_, _ = e.NewSinkFeed(sink, s.log, s.group, SinkConfig{
		Sent: &sent, Skipped: &skipped, OnEnd: func(err error) { ended <- err },
	}, func(it *Item) { first = it.Data() })
	require.Equal(t, uint32(0), binary.BigEndian.Uint32(first[4:]))
	require.Equal(t, []int{-1, 0, 1}, sink.seqs())
	for i := range 300 {
		s.write(50, i == 150)
		s.group.Wake()
	}
	s.log.Close()
	s.group.Wake()
	require.ErrorIs(t, <-ended, io.EOF)
	got := sink.seqs()
	require.Len(t, got, 303)
	for i, n := range got[1:] {
		require.Equal(t, i, n)
	}
	require.Equal(t, uint64(4+200+300*50), sent.Load())
	require.Zero(t, skipped.Load())
}

// A sink that is full gets nothing up to the next start point.
func TestSinkFeedBusy(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, Limits{Bytes: 1 << 20, Items: 1000})
	sink := &memorySink{fail: func(n int) error {
		if n == 4 {
			return ErrBusy
		}
		return nil
	}}
	var skipped atomic.Uint64
	for i := range 20 {
		s.write(50, i%10 == 0)
	}
	s.write(50, true)
	f, _ := e.NewSinkFeed(sink, s.log, s.group, SinkConfig{Skipped: &skipped}, nil)
	require.Equal(t, []int{-1, 20}, sink.seqs())
	for i := range 20 {
		s.write(50, i%10 == 0)
	}
	f.pumpNow()
	require.Equal(t, []int{-1, 20, 21, 22, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40}, sink.seqs())
	require.Equal(t, uint64(8), skipped.Load())
	f.Pause(true)
	s.write(50, false)
	s.write(50, true)
	f.pumpNow()
	require.Len(t, sink.seqs(), 14)
	f.Pause(false)
	require.Equal(t, 42, sink.seqs()[14])
	f.Close()
}

func TestSinkFeedError(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, Limits{Bytes: 1 << 20, Items: 1000})
	s.write(50, true)
	broken := errors.New("broken")
	ended := make(chan error, 1)
	_, _ = e.NewSinkFeed(&memorySink{fail: func(int) error { return broken }}, s.log, s.group,
		SinkConfig{OnEnd: func(err error) { ended <- err }}, nil)
	select {
	case err := <-ended:
		require.ErrorIs(t, err, broken)
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on")
	}
	require.True(t, s.group.Empty())
}

// A sweep flushes once for many sinks, and each learns for itself what became of its chunks.
func TestSinksShareABatch(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, Limits{Bytes: 1 << 20, Items: 1000})
	s.write(50, true)
	broken := errors.New("broken")
	fails := map[int]error{10: ErrBusy, 20: broken}
	sinks, feeds, ends := make([]*memorySink, 40), make([]*SinkFeed, 40), make(chan error, 40)
	for i := range sinks {
		sinks[i] = &memorySink{}
		feeds[i], _ = e.NewSinkFeed(sinks[i], s.log, s.group, SinkConfig{OnEnd: func(err error) { ends <- err }}, nil)
		if err := fails[i]; err != nil {
			sinks[i].fail = func(n int) error {
				if n < 3 {
					return nil
				}
				return err
			}
		}
	}
	for range 3 {
		s.write(50, false)
	}
	s.write(50, true)
	var scratch Scratch
	sweep := func() int {
		for _, f := range feeds {
			f.Pump(&scratch)
		}
		scratch.settle()
		return scratch.batch.(*memoryBatch).flushes
	}
	require.Equal(t, 2, sweep(), "all sinks, and the busy one again")
	require.ErrorIs(t, <-ends, broken)
	s.write(50, false)
	require.Equal(t, 3, sweep())
	for i, sink := range sinks {
		want := []int{-1, 0, 1, 2, 3, 4, 5}
		switch i {
		case 10:
			want = []int{-1, 0, 1, 4, 5}
		case 20:
			want = []int{-1, 0, 1}
		}
		require.Equal(t, want, sink.seqs(), i)
	}
	for _, f := range feeds {
		f.Close()
	}
	require.Empty(t, ends)
}
