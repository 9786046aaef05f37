package datagram

import (
	"bytes"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// hearer is a socket that datagrams go to.
type hearer struct {
	*net.UDPConn
}

func listenLoopback(t *testing.T) hearer {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return hearer{c}
}

// expect reads datagrams that must be those of want.
func (h hearer) expect(t *testing.T, want ...string) {
	t.Helper()
	b := make([]byte, 1500)
	for _, w := range want {
		require.NoError(t, h.SetReadDeadline(time.Now().Add(5*time.Second)))
		n, err := h.Read(b)
		require.NoError(t, err)
		require.Equal(t, w, string(b[:n]))
	}
}

// silent checks that nothing more has come.
func (h hearer) silent(t *testing.T) {
	t.Helper()
	require.NoError(t, h.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	n, err := h.Read(make([]byte, 1500))
	require.Error(t, err, "%d bytes", n)
}

// toOne is destinations that begin with those of a test.
type toOne []Destination

func (d toOne) Destination(channel byte) *Destination { return d[channel].OrNowhere() }

// chunkOf is a chunk with datagrams of one channel.
func chunkOf(channel byte, packets ...string) []byte {
	var frames []byte
	for _, p := range packets {
		frames = append(append(frames, '$', channel, 0, byte(len(p))), p...)
	}
	return AppendRuns(nil, frames)
}

func (h hearer) from(s *Socket) Destination {
	return NewDestination(s, netip.MustParseAddrPort(h.LocalAddr().String()))
}

// What cannot be sent is of one player: it gets nothing more of its chunks, the others in the batch get theirs.
func TestBatchFailsForOneAlone(t *testing.T) {
	from := NewSocket(listenLoopback(t).UDPConn)
	nobody := NewDestination(from, netip.MustParseAddrPort("127.0.0.1:0")) // no port to send to
	chunks := [][]byte{chunkOf(0, "one", "two", "6"), chunkOf(1, "bad"), chunkOf(0, "three")}
	hearers, deliveries, b := make([]hearer, 5), make([]Delivery, 5), NewBatch()
	for i := range hearers {
		hearers[i] = listenLoopback(t)
		to := toOne{hearers[i].from(from), hearers[i].from(from)}
		if i == 2 {
			to[1] = nobody
		}
		b.Put(chunks, to, &deliveries[i])
	}
	require.Equal(t, 3*len(hearers), b.n, "all in one call")
	b.Flush()
	for i, h := range hearers {
		h.expect(t, "one", "two", "6")
		if i == 2 {
			h.silent(t)
			require.Equal(t, Delivery{Chunks: 1, Bytes: len(chunks[0]), Err: syscall.EINVAL}, deliveries[i])
			continue
		}
		h.expect(t, "bad", "three")
		require.Equal(t, Delivery{Chunks: 3, Bytes: len(bytes.Join(chunks, nil))}, deliveries[i])
	}
}

// A batch that is full in the midst of somebody's chunks loses nothing.
func TestBatchFull(t *testing.T) {
	from := NewSocket(listenLoopback(t).UDPConn)
	a, b := listenLoopback(t), listenLoopback(t)
	var chunks [][]byte
	var want []string
	for i := range maxBatch - 1 {
		want = append(want, string(rune('A'+i)))
		chunks = append(chunks, chunkOf(0, want[i]))
	}
	var done [2]Delivery
	queued := NewBatch()
	queued.Put(chunks, toOne{a.from(from)}, &done[0])
	queued.Put(chunks, toOne{b.from(from)}, &done[1])
	queued.Flush()
	for i, h := range []hearer{a, b} {
		h.expect(t, want...)
		h.silent(t)
		require.Equal(t, Delivery{Chunks: len(chunks), Bytes: len(bytes.Join(chunks, nil))}, done[i])
	}
}

// Where a run cannot be sent by one call, its datagrams go one by one, and the next runs at once so.
func TestBatchSendsApart(t *testing.T) {
	packets := make([]string, maxRun)
	for i := range packets {
		packets[i] = string(rune('0' + i))
	}
	tooMany := bytes.Repeat([]byte("x"), 150) // no kernel takes so many datagrams in one call
	from := NewSocket(listenLoopback(t).UDPConn)
	h := listenLoopback(t)
	to := h.from(from)
	require.False(t, to.apart)
	var done Delivery
	b := NewBatch()
	b.add(&run{to: &to, packets: tooMany, unit: 1, of: &done})
	b.Flush()
	require.NoError(t, done.Err)
	require.True(t, to.apart)
	for range tooMany {
		h.expect(t, "x")
	}
	require.NoError(t, b.SendChunks([][]byte{chunkOf(0, packets...)}, toOne{to}))
	h.expect(t, packets...)
	from.gso = false // as on a system without
	require.NoError(t, b.SendChunks([][]byte{chunkOf(0, packets...)}, toOne{h.from(from)}))
	h.expect(t, packets...)
	h.silent(t)
}

// The messages of a call lie one behind the other as the system has them: a word wider than its msghdr, whatever a word is.
func TestMessageSize(t *testing.T) {
	require.Equal(t, unsafe.Sizeof(syscall.Msghdr{})+unsafe.Sizeof(uintptr(0)), unsafe.Sizeof(mmsghdr{}))
}
