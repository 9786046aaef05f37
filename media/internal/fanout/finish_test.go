package fanout

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// kinds are the connections that a feed writes to without waiting, and those that it waits for.
var kinds = map[string]func(net.Conn) net.Conn{
	"socket": func(c net.Conn) net.Conn { return c },
	"writer": func(c net.Conn) net.Conn { return struct{ net.Conn }{c} },
}

// smallPair is a connection whose ends hold little.
func smallPair(t *testing.T) (server, client *net.TCPConn) {
	t.Helper()
	server, client = tcpPair(t)
	require.NoError(t, server.SetWriteBuffer(128<<10))
	require.NoError(t, client.SetReadBuffer(128<<10))
	return server, client
}

// A feed that finishes sends the item under way and what was inserted, and then the connection is its owner's.
func TestFinish(t *testing.T) {
	for name, wrap := range kinds {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			e := NewEngine(1)
			defer e.Close()
			s := newStream(e, wide)
			server, client := smallPair(t)
			f, err := e.NewFeed(wrap(server), s.log, s.group, FeedConfig{
				StallTimeout: time.Hour, OnEnd: func(error) { t.Error("OnEnd after Finish") },
			})
			require.NoError(t, err)
			defer f.Close()
			s.write(4<<20, true)
			s.group.Wake()
			head := make([]byte, 8)
			_, err = io.ReadFull(client, head) // it has begun
			require.NoError(t, err)
			s.write(1000, false)
			s.group.Wake()
			f.Insert([]byte("CHNG"))
			finished := make(chan bool, 1)
			go func() {
				whole, err := f.Finish(time.Minute)
				if err != nil {
					t.Error(err)
				}
				finished <- whole
				_, _ = server.Write([]byte("CHNG"))
				server.Close()
			}()
			got := parse(t, io.MultiReader(bytes.NewReader(head), client))
			require.True(t, <-finished)
			require.EqualValues(t, 0, got.seqs[0])
			require.Equal(t, 2, got.changes)
			if name == "socket" { // who writes by waiting may have the second item in hand
				require.Len(t, got.seqs, 1)
			}
		})
	}
}

// A peer that does not read is waited for as long as was said, no longer.
func TestFinishGivesUp(t *testing.T) {
	for name, wrap := range kinds {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			e := NewEngine(1)
			defer e.Close()
			s := newStream(e, wide)
			server, client := smallPair(t)
			f, err := e.NewFeed(wrap(server), s.log, s.group, FeedConfig{
				StallTimeout: time.Hour, OnEnd: func(error) { t.Error("OnEnd after Finish") },
			})
			require.NoError(t, err)
			defer f.Close()
			s.write(8<<20, true)
			s.group.Wake()
			_, err = client.Read(make([]byte, 8)) // it has begun
			require.NoError(t, err)
			whole, err := f.Finish(50 * time.Millisecond)
			require.NoError(t, err)
			require.False(t, whole)
			require.NoError(t, f.Close())
		})
	}
}

// What waits for peers that do not read is the stream's memory, however large: a picture, and the header in front.
func TestManyStalledPeersShareOneItem(t *testing.T) {
	const many, large = 30, 3 << 20
	for name, wrap := range kinds {
		t.Run(name, func(t *testing.T) {
			defer goleak.VerifyNone(t)
			e := NewEngine(2)
			defer e.Close()
			s := newStream(e, Limits{Bytes: 64 << 20, Items: 1000})
			s.intro = &Intro{Header: bytes.Repeat([]byte("CHNG"), large/4)}
			copy(s.intro.Header, "HEAD")
			s.write(large, true)
			s.write(100, false)
			var clients []*net.TCPConn
			before := heap()
			for i := range many {
				server, client := smallPair(t)
				clients = append(clients, client)
				f, err := e.NewFeed(wrap(server), s.log, s.group, FeedConfig{
					StallTimeout: time.Hour, OnEnd: func(error) { server.Close() },
				})
				require.NoError(t, err)
				defer f.Close()
				if i%2 == 0 { // stalls within the picture, not within the header
					_, err := io.CopyN(io.Discard, client, large+100)
					require.NoError(t, err)
				}
			}
			time.Sleep(50 * time.Millisecond) // let those that can go on
			require.Less(t, heap()-before, int64(many*100<<10), "bytes for %d peers", many)
			s.log.Close()
			s.group.Wake()
			for i, client := range clients {
				if i%2 == 0 {
					n, err := io.Copy(io.Discard, client)
					require.NoError(t, err)
					require.EqualValues(t, large, n)
					continue
				}
				got := parse(t, bufio.NewReaderSize(client, 64<<10))
				require.Equal(t, []uint32{0, 1}, got.seqs)
				require.Equal(t, large/4-1, got.changes)
			}
		})
	}
}

// heap returns the bytes that are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Wherever a write stops, what follows makes it whole again: nothing is left out, torn or sent twice.
func TestCutAnywhere(t *testing.T) {
	for name, jump := range map[string]bool{"follows": false, "jumps": true} {
		t.Run(name, func(t *testing.T) {
			var s Scratch
			var arena Arena
			add := func(seq uint64, data string) {
				it := arena.Item(append(arena.Tail(len(data)), data...))
				s.addItem(seq, &it)
			}
			want := "pending"
			s.addBytes([]byte(want))
			s.front = s.size
			if jump {
				s.jump = true
				s.introduce(nil, &Intro{Header: []byte("header")})
				want += "header"
			}
			begins := map[uint64]int{0: len(want), 1: len(want) + 3, 2: len(want) + 8}
			for seq, data := range []string{"one", "three", "fourteen"} {
				add(uint64(seq), data)
				want += data
			}
			for n := range len(want) {
				rest, next, ok := s.cut(n)
				end := n + len(rest)
				require.Equal(t, want[n:end], string(rest))
				switch {
				case !ok:
					require.Equal(t, len(want), end, "after %d", n)
				case jump && n <= s.front:
					require.Equal(t, s.front, end, "the header comes again, after %d", n)
					require.Zero(t, next)
				default:
					require.Equal(t, begins[next], end, "after %d", n)
				}
			}
		})
	}
}
