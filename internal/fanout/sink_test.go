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

// memorySink keeps what it gets.
type memorySink struct {
	mu   sync.Mutex
	got  [][]byte
	fail func(n int) error // asked before the nth chunk is taken
}

func (s *memorySink) Send(chunks [][]byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range chunks {
		if s.fail != nil {
			if err := s.fail(len(s.got)); err != nil {
				s.fail = nil
				return n, err
			}
		}
		s.got = append(s.got, append([]byte(nil), b...))
		n++
	}
	return n, nil
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
	e.NewSinkFeed(sink, s.log, s.group, SinkConfig{
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
	f := e.NewSinkFeed(sink, s.log, s.group, SinkConfig{Skipped: &skipped}, nil)
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
	e.NewSinkFeed(&memorySink{fail: func(int) error { return broken }}, s.log, s.group,
		SinkConfig{OnEnd: func(err error) { ended <- err }}, nil)
	select {
	case err := <-ended:
		require.ErrorIs(t, err, broken)
	case <-time.After(5 * time.Second):
		t.Fatal("it goes on")
	}
	require.True(t, s.group.Empty())
}
