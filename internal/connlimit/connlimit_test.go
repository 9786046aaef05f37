package connlimit

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// peer is a connection from an address.
type peer struct {
	net.Conn
	from   net.Addr
	closed bool
}

func (p *peer) LocalAddr() net.Addr  { return nil }
func (p *peer) RemoteAddr() net.Addr { return p.from }
func (p *peer) Close() error         { p.closed = true; return nil }

func from(addr string) *peer {
	return &peer{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 1))}
}

// backlog accepts what was put into it, and then has nothing more.
type backlog []net.Conn

func (q *backlog) Accept() (net.Conn, error) {
	if len(*q) == 0 {
		return nil, io.EOF
	}
	c := (*q)[0]
	*q = (*q)[1:]
	return c, nil
}

func (q *backlog) Close() error   { return nil }
func (q *backlog) Addr() net.Addr { return nil }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// accept lets the peers in, and returns the connections of those that are, which then are settled.
func accept(l *Limiter, peers ...net.Conn) (conns []net.Conn) {
	for _, p := range peers {
		for _, c := range let(l, p) {
			l.Settle(c.LocalAddr(), c.RemoteAddr())
			conns = append(conns, c)
		}
	}
	return conns
}

// let lets the peers in, and returns the connections of those that are.
func let(l *Limiter, peers ...net.Conn) (conns []net.Conn) {
	q := backlog(peers)
	ln := l.Listen(&q)
	for {
		c, err := ln.Accept()
		if err != nil {
			return conns
		}
		conns = append(conns, c)
	}
}

func TestLimits(t *testing.T) {
	l := New(quiet(), Limits{All: 5, PerAddress: 2})
	a, b, third := from("10.0.0.1"), from("::ffff:10.0.0.1"), from("10.0.0.1")
	one := accept(l, a, b, third)
	require.Len(t, one, 2)
	require.True(t, third.closed, "an IPv4 address is the same by IPv6")
	other := accept(l, from("2001:db8::1"), from("2001:db8::2"), from("2001:db8::3"))
	require.Len(t, other, 2, "a network of IPv6 is one")
	require.Len(t, accept(l, from("2001:db8:0:1::1")), 1, "and the next is another")
	require.Empty(t, accept(l, from("10.0.0.9")), "that is all")

	require.NoError(t, one[0].Close())
	require.NoError(t, one[0].Close(), "a second close counts nothing")
	require.Equal(t, 4, l.Open())
	require.Len(t, accept(l, from("10.0.0.1")), 1)

	l.Set(Limits{PerAddress: 3})
	require.Len(t, accept(l, from("10.0.0.1"), from("10.0.0.9"), from("10.0.0.1")), 2)
}

// Peers without an address are not taken for one and the same.
func TestLimitsOfOtherPeers(t *testing.T) {
	l := New(quiet(), Limits{All: 4, PerAddress: 1})
	pipe := func() net.Conn { a, _ := net.Pipe(); return a }
	require.Len(t, accept(l, pipe(), pipe(), &peer{}, pipe(), pipe()), 4)
	require.Zero(t, l.of.Len())
}

// Nothing is left of an address that has gone.
func TestNothingStays(t *testing.T) {
	l := New(quiet(), Limits{})
	for i := range 300 {
		for _, c := range accept(l, from(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}).String())) {
			require.NoError(t, c.Close())
		}
	}
	require.Zero(t, l.Open())
	require.Zero(t, l.of.Len())
}

// However many are refused, the log has a line a second, and each of them is counted in one.
func TestRefusalsInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		l := New(slog.New(slog.NewTextHandler(&out, nil)), Limits{PerAddress: 1})
		first := accept(l, from("10.0.0.1"))
		for range 50 {
			accept(l, from("10.0.0.1"))
			time.Sleep(100 * time.Millisecond)
		}
		require.Equal(t, 5, strings.Count(out.String(), "\n"), "5 s have passed")
		require.Contains(t, out.String(), "10.0.0.1:1")
		require.Contains(t, out.String(), "of one address")
		time.Sleep(time.Second)
		require.NoError(t, first[0].Close())
		require.Equal(t, 6, strings.Count(out.String(), "\n"), "the last ones too are told of")
		require.Contains(t, out.String(), "number=1 ")
		require.Contains(t, out.String(), "number=9 ")
	})
}

// A connection that is counted is as good as any other to whoever looks closer.
func TestTCP(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	l := New(quiet(), Limits{})
	ln := l.Listen(inner)
	require.Same(t, ln, l.Listen(ln), "it is not counted twice")
	client, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	defer client.Close()
	c, err := ln.Accept()
	require.NoError(t, err)
	require.IsType(t, &net.TCPConn{}, Socket(c))
	require.Same(t, client, Socket(client))
	require.Implements(t, (*interface{ CloseWrite() error })(nil), c)
	require.Equal(t, 1, l.Open())
	require.NoError(t, c.Close())
	require.Zero(t, l.Open())
	require.NoError(t, ln.Close())
	_, err = ln.Accept()
	require.True(t, errors.Is(err, net.ErrClosed))
}

// tcp returns a connection that l counts, and its peer.
func tcp(t *testing.T, ln net.Listener) (conn, peer net.Conn) {
	t.Helper()
	peer, err := net.Dial("tcp", ln.Addr().String())
	require.NoError(t, err)
	conn, err = ln.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close(); peer.Close() })
	return conn, peer
}

func listen(t *testing.T, l *Limiter) net.Listener {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { inner.Close() })
	return l.Listen(inner)
}

// ended waits for the end of what a connection reads.
func ended(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func reads(t *testing.T, conn, peer net.Conn) {
	t.Helper()
	_, err := peer.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	_, err = conn.Read(make([]byte, 1))
	require.NoError(t, err)
}

// The oldest that nobody has settled gives way, whichever limit is reached; who is settled stays, and if all are, the new
// one is refused.
func TestTheOldestGivesWay(t *testing.T) {
	for name, limits := range map[string]Limits{"all": {All: 3}, "address": {PerAddress: 3}, "both": {All: 3, PerAddress: 3}} {
		t.Run(name, func(t *testing.T) {
			l := New(quiet(), limits)
			ln := listen(t, l)
			settle := func(c net.Conn) { l.Settle(c.LocalAddr(), c.RemoteAddr()) }
			first, firstPeer := tcp(t, ln)
			settle(first)
			settle(first)
			second, secondPeer := tcp(t, ln)
			third, thirdPeer := tcp(t, ln)
			fourth, fourthPeer := tcp(t, ln)
			ended(t, second)
			ended(t, secondPeer)
			settle(second) // too late
			require.Equal(t, 3, l.Open())
			require.NoError(t, second.Close())
			require.Equal(t, 3, l.Open(), "it is counted out once")
			reads(t, third, thirdPeer)
			settle(third)
			fifth, fifthPeer := tcp(t, ln)
			ended(t, fourth)
			ended(t, fourthPeer)
			settle(fifth)
			refused, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			defer refused.Close()
			go ln.Accept() // it accepts nobody, and ends with the listener
			require.NoError(t, refused.SetReadDeadline(time.Now().Add(20*time.Second)))
			_, err = refused.Read(make([]byte, 1))
			require.Error(t, err)
			require.NotErrorIs(t, err, os.ErrDeadlineExceeded)
			reads(t, first, firstPeer)
			reads(t, third, thirdPeer)
			reads(t, fifth, fifthPeer)
			for _, c := range []net.Conn{first, third, fourth, fifth} {
				require.NoError(t, c.Close())
			}
			require.Zero(t, l.Open())
			require.Zero(t, l.of.Len())
			require.Zero(t, l.unsettled.Len())
			require.Equal(t, queue{}, l.waiting)
		})
	}
}

// Those of one address that are too many give way to each other, not to those of others, however old these are.
func TestAddressesKeepTheirPlaces(t *testing.T) {
	l := New(quiet(), Limits{PerAddress: 2})
	old := from("10.0.0.2")
	let(l, old)
	var peers []*peer
	for i := range 4 {
		p := from("10.0.0.1")
		p.from.(*net.TCPAddr).Port = i + 2
		peers = append(peers, p)
		let(l, p)
	}
	require.False(t, old.closed)
	for i, p := range peers {
		require.Equal(t, i < 2, p.closed, i)
	}
	require.Equal(t, 3, l.Open())
}

// A client that connects again from the same port, while its connection before is still open here, gives way like any
// other; who is settled by these addresses is the newer.
func TestTheSamePortAgain(t *testing.T) {
	l := New(quiet(), Limits{All: 2})
	other := func(port int) *peer {
		p := from("10.0.0.1")
		p.from.(*net.TCPAddr).Port = port
		return p
	}
	old, again := other(5), other(5)
	conns := let(l, old, again)
	require.Len(t, let(l, other(6)), 1)
	require.True(t, old.closed)
	require.False(t, again.closed)
	require.NoError(t, conns[0].Close())
	require.Len(t, let(l, other(7)), 1)
	require.True(t, again.closed, "it holds its place for ever")
	require.NoError(t, conns[1].Close())

	l = New(quiet(), Limits{All: 2})
	old, again = other(5), other(5)
	let(l, old)
	let(l, again)
	l.Settle(nil, again.from)
	require.Len(t, let(l, other(6), other(7)), 2)
	require.True(t, old.closed)
	require.False(t, again.closed)
}

// Whatever comes and goes, the queues are whole.
func TestQueues(t *testing.T) {
	l := New(quiet(), Limits{All: 40, PerAddress: 15})
	random := rand.New(rand.NewPCG(1, 2))
	var conns []net.Conn
	for i := range 5000 {
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(random.IntN(4))})
		p := &peer{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(addr, uint16(i+1)))}
		conns = append(conns, let(l, p)...)
		if random.IntN(3) == 0 {
			l.Settle(nil, p.from)
		}
		if len(conns) > 20 {
			at := random.IntN(len(conns))
			require.NoError(t, conns[at].Close())
			conns = append(conns[:at], conns[at+1:]...)
		}
		require.LessOrEqual(t, l.Open(), 40)
		n := 0
		for s := l.waiting.first; s != nil; s = s.links[ofAll].behind {
			require.True(t, s.waiting)
			n++
		}
		require.Equal(t, l.unsettled.Len(), n)
		for _, o := range l.of.All() {
			require.LessOrEqual(t, o.open, 15)
			for s := o.waiting.first; s != nil; s = s.links[ofOwner].behind {
				n--
			}
		}
		require.Zero(t, n)
	}
	for _, c := range conns {
		require.NoError(t, c.Close())
	}
	require.Zero(t, l.Open())
	require.Zero(t, l.of.Len())
}
