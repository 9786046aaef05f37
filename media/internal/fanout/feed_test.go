package fanout

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// stream is a log of wire bytes with its group, as a muxer would own it.
type stream struct {
	engine *Engine
	log    *Log[Item]
	group  *Group
	arena  Arena
	intro  *Intro
	seq    uint32
	dts    time.Duration // of the next item
}

func newStream(e *Engine, limits Limits) *stream {
	return &stream{
		engine: e, log: NewLog[Item](limits), group: e.NewGroup(),
		intro: &Intro{Header: []byte("HEAD"), Change: []byte("CHNG")},
	}
}

// write appends an item of n bytes: its size, its number, whether it is a start, and filling.
func (s *stream) write(n int, start bool) {
	buf := s.arena.Tail(n)
	buf = binary.BigEndian.AppendUint32(buf, uint32(n))
	buf = binary.BigEndian.AppendUint32(buf, s.seq)
	if start {
		buf = append(buf, 1)
	} else {
		buf = append(buf, 0)
	}
	for len(buf) < n {
		buf = append(buf, byte(s.seq))
	}
	s.seq++
	it := s.arena.Item(buf)
	it.DTS = s.dts
	if start {
		it.Intro = s.intro
	}
	s.log.Append(it, n, start)
}

// received is what a reader of the wire found.
type received struct {
	seqs    []uint32
	starts  map[uint32]bool
	changes int
}

// parse reads the wire up to its end and checks that no item is torn.
func parse(t *testing.T, r io.Reader) received {
	t.Helper()
	got := received{starts: map[uint32]bool{}}
	var head [4]byte
	_, err := io.ReadFull(r, head[:])
	require.NoError(t, err)
	require.Equal(t, "HEAD", string(head[:]))
	for {
		_, err := io.ReadFull(r, head[:])
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			return got
		}
		if string(head[:]) == "CHNG" {
			got.changes++
			continue
		}
		body := make([]byte, binary.BigEndian.Uint32(head[:])-4)
		_, err = io.ReadFull(r, body)
		require.NoError(t, err)
		seq := binary.BigEndian.Uint32(body)
		got.seqs = append(got.seqs, seq)
		got.starts[seq] = body[4] == 1
		require.Equal(t, bytes.Repeat([]byte{byte(seq)}, len(body)-5), body[5:])
	}
}

func tcpPair(t testing.TB) (server, client *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	s, err := ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close(); _ = c.Close() })
	return s.(*net.TCPConn), c.(*net.TCPConn)
}

var wide = Limits{Bytes: 64 << 20, Items: 1 << 15}

func TestFeedFromNewestStartToEnd(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := NewEngine(2)
	defer e.Close()
	s := newStream(e, wide)
	for i := range 10 {
		s.write(1000, i%4 == 0) // starts 0, 4, 8
	}
	server, client := tcpPair(t)
	ended := make(chan error, 1)
	var sent, skipped atomic.Uint64
	_, _ = e.NewFeed(server, s.log, s.group, FeedConfig{
		Prelude: []byte("HEAD")[:0], Sent: &sent, Skipped: &skipped, OnEnd: func(err error) { ended <- err; server.Close() },
	})
	for range 1000 {
		s.write(5000, false)
		s.group.Wake()
	}
	s.log.Close()
	s.group.Wake()
	got := parse(t, client)
	require.Equal(t, io.EOF, <-ended)
	require.Len(t, got.seqs, 1002)
	for i, seq := range got.seqs {
		require.EqualValues(t, 8+i, seq)
	}
	require.Zero(t, skipped.Load())
	require.EqualValues(t, 4+2*1000+1000*5000, sent.Load())
}

func TestFrozenPeerResumesAtStart(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"socket": func(c net.Conn) net.Conn { return c },
		"writer": func(c net.Conn) net.Conn { return struct{ net.Conn }{c} },
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			e := NewEngine(1)
			defer e.Close()
			s := newStream(e, wide)
			server, client := tcpPair(t)
			var skipped atomic.Uint64
			_, _ = e.NewFeed(wrap(server), s.log, s.group, FeedConfig{Skipped: &skipped, OnEnd: func(error) { server.Close() }})
			for i := range 4000 { // 80 MB, more than any socket holds
				s.write(20000, i%50 == 0)
				s.group.Wake()
			}
			s.log.Close()
			s.group.Wake()
			got := parse(t, client)
			require.NotZero(t, skipped.Load())
			require.EqualValues(t, 3999, got.seqs[len(got.seqs)-1])
			jumps := 0
			for i, seq := range got.seqs[1:] {
				if seq != got.seqs[i]+1 {
					jumps++
					require.True(t, got.starts[seq], "resumed at %d, which is no start", seq)
				}
			}
			require.NotZero(t, jumps)
			require.EqualValues(t, 4000, int(got.seqs[0])+len(got.seqs)+int(skipped.Load()), "what was before it began is no loss")
		})
	}
}

func TestChangeIsSentToWhoSkipped(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, Limits{Bytes: 1 << 20, Items: 1 << 15})
	server, client := tcpPair(t)
	_, _ = e.NewFeed(server, s.log, s.group, FeedConfig{OnEnd: func(error) { server.Close() }})
	for i := range 3000 {
		if i == 2900 {
			s.intro = &Intro{Header: []byte("HEAD"), Change: []byte("CHNG")}
		}
		s.write(20000, i%10 == 0)
		s.group.Wake()
	}
	s.log.Close()
	s.group.Wake()
	require.Equal(t, 1, parse(t, client).changes)
}

func TestInsertAndPause(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, wide)
	server, client := tcpPair(t)
	var sent, skipped atomic.Uint64
	f, _ := e.NewFeed(server, s.log, s.group, FeedConfig{Sent: &sent, Skipped: &skipped, OnEnd: func(error) { server.Close() }})
	s.write(100, true)
	s.group.Wake()
	require.Eventually(t, func() bool { return sent.Load() == 104 }, 5*time.Second, time.Millisecond)
	f.Pause(true)
	f.Insert([]byte("CHNG"))
	s.write(100, false)
	s.write(100, true)
	s.write(100, false)
	s.group.Wake()
	f.Insert([]byte("CHNG"))
	f.Pause(false)
	s.log.Close()
	s.group.Wake()
	got := parse(t, client)
	require.Equal(t, []uint32{0, 2, 3}, got.seqs)
	require.Equal(t, 2, got.changes)
	require.EqualValues(t, 1, skipped.Load())
}

func TestCloseOfParkedFeed(t *testing.T) {
	for name, wrap := range map[string]func(net.Conn) net.Conn{
		"socket": func(c net.Conn) net.Conn { return c },
		"writer": func(c net.Conn) net.Conn { return struct{ net.Conn }{c} },
	} {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			e := NewEngine(1)
			defer e.Close()
			s := newStream(e, wide)
			server, _ := tcpPair(t)
			f, _ := e.NewFeed(wrap(server), s.log, s.group, FeedConfig{
				StallTimeout: time.Hour, OnEnd: func(error) { t.Error("OnEnd after Close") },
			})
			for i := range 2000 {
				s.write(20000, i%50 == 0)
				s.group.Wake()
			}
			f.Close()
			f.Close()
		})
	}
}

func TestStalledPeerIsCut(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, wide)
	server, _ := tcpPair(t)
	ended := make(chan error, 1)
	_, _ = e.NewFeed(server, s.log, s.group, FeedConfig{
		StallTimeout: 50 * time.Millisecond, OnEnd: func(err error) { ended <- err },
	})
	for i := range 2000 {
		s.write(20000, i%50 == 0)
		s.group.Wake()
	}
	require.Equal(t, ErrStalled, <-ended)
}

func TestDisconnectInsteadOfSkip(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	s := newStream(e, Limits{Bytes: 1 << 20, Items: 100})
	server, client := tcpPair(t)
	ended := make(chan error, 1)
	_, _ = e.NewFeed(server, s.log, s.group, FeedConfig{
		Disconnect: true, OnEnd: func(err error) { ended <- err; server.Close() },
	})
	for i := range 3000 {
		s.write(20000, i%50 == 0)
		s.group.Wake()
	}
	go io.Copy(io.Discard, client)
	require.Equal(t, ErrBehind, <-ended)
}

func TestReaderSkipsWhenBehind(t *testing.T) {
	e := NewEngine(1)
	defer e.Close()
	log := NewLog[int](Limits{Bytes: 1000, Items: 1000})
	g := e.NewGroup()
	r := NewReader(func() Cursor[int] { return NewCursor(log) }, g, nil)
	defer r.Close()
	for i := range 300 {
		log.Append(i, 10, i%20 == 0)
	}
	buf := make([]int, 8)
	n, jumped, err := r.Read(context.Background(), buf)
	require.NoError(t, err)
	require.True(t, jumped)
	require.Equal(t, []int{280, 281, 282, 283, 284, 285, 286, 287}, buf[:n])
	require.Zero(t, r.Skipped(), "what was before it began is no loss")
	for i := 300; i < 600; i++ {
		log.Append(i, 10, i%20 == 0)
	}
	n, jumped, err = r.Read(context.Background(), buf)
	require.NoError(t, err)
	require.True(t, jumped)
	require.Equal(t, 580, buf[0])
	require.Equal(t, 8, n)
	require.EqualValues(t, 580-288, r.Skipped())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for err == nil {
		_, _, err = r.Read(ctx, buf)
	}
	require.ErrorIs(t, err, context.Canceled)
	log.Close()
	_, _, err = r.Read(context.Background(), buf)
	require.Equal(t, io.EOF, err)
}

func TestManyReadersComeAndGo(t *testing.T) {
	defer goleak.VerifyNone(t)
	e := NewEngine(2)
	defer e.Close()
	log := NewLog[uint64](Limits{Bytes: 1 << 20, Items: 256})
	g := e.NewGroup()
	var readers sync.WaitGroup
	for i := range 200 {
		readers.Go(func() {
			for range 5 {
				r := NewReader(func() Cursor[uint64] { return NewCursor(log) }, g, nil)
				buf := make([]uint64, 1+i%7)
				var last uint64
				for range 40 {
					n, jumped, err := r.Read(context.Background(), buf)
					if err != nil {
						break
					}
					for j, v := range buf[:n] {
						follows := v == last+1 || jumped && j == 0 && v > last
						if last != 0 && !follows {
							t.Errorf("got %d after %d", v, last)
						}
						last = v
					}
				}
				r.Close()
			}
		})
	}
	stop := make(chan struct{})
	var writer sync.WaitGroup
	writer.Go(func() {
		defer func() { log.Close(); g.Wake() }()
		for v := uint64(1); ; v++ {
			select {
			case <-stop:
				return
			default:
			}
			log.Append(v, 100, v%10 == 0)
			g.Wake()
			if v%64 == 0 {
				time.Sleep(100 * time.Microsecond)
			}
		}
	})
	readers.Wait()
	close(stop)
	writer.Wait()
	for _, s := range g.shards {
		require.Zero(t, s.len())
	}
}
