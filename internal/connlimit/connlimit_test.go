package connlimit

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
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

func (p *peer) RemoteAddr() net.Addr { return p.from }
func (p *peer) Close() error         { p.closed = true; return nil }

func from(addr string) *peer {
	return &peer{from: net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 1))}
}

// queue accepts what was put into it, and then has nothing more.
type queue []net.Conn

func (q *queue) Accept() (net.Conn, error) {
	if len(*q) == 0 {
		return nil, io.EOF
	}
	c := (*q)[0]
	*q = (*q)[1:]
	return c, nil
}

func (q *queue) Close() error   { return nil }
func (q *queue) Addr() net.Addr { return nil }

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// accept lets the peers in, and returns the connections of those that are.
func accept(l *Limiter, peers ...net.Conn) (conns []net.Conn) {
	q := queue(peers)
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
	require.Empty(t, l.of)
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
	require.Empty(t, l.of)
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
