package gate

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func nobody(netip.AddrPort) bool { return false }

func at(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func TestRateOfAnAddress(t *testing.T) {
	now := time.Unix(0, 0)
	g := New(nobody)
	g.now = func() time.Time { return now }
	for range burst {
		require.True(t, g.admit(at("192.0.2.1:1"), 100))
	}
	require.False(t, g.admit(at("192.0.2.1:2"), 100), "ports do not matter")
	require.True(t, g.admit(at("192.0.2.2:1"), 100))
	now = now.Add(time.Second)
	for range rate {
		require.True(t, g.admit(at("[::ffff:192.0.2.1]:1"), 100))
	}
	require.False(t, g.admit(at("192.0.2.1:1"), 100))
	require.False(t, g.admit(at("192.0.2.3:1"), maxStranger+1))
}

// What is kept of addresses has a bound, and shrinks.
func TestManyAddresses(t *testing.T) {
	now := time.Unix(0, 0)
	g := New(func(a netip.AddrPort) bool { return a.Port() == 9 })
	g.now = func() time.Time { return now }
	address := func(n int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1)
	}
	for n := range 2 * maxAddresses {
		if n < maxAddresses != g.admit(address(n), 100) {
			require.Fail(t, "address", "%d", n)
		}
	}
	require.Len(t, g.peers, maxAddresses)
	require.True(t, g.admit(at("192.0.2.1:9"), 60000), "it is known")
	now = now.Add(time.Minute)
	require.True(t, g.admit(at("192.0.2.1:1"), 100))
	require.Len(t, g.peers, 1)
}

func TestManyRequests(t *testing.T) {
	g := New(func(a netip.AddrPort) bool { return a.Port() == 9 })
	var ends []func()
	begin := func(n int) {
		for range n {
			ends = append(ends, g.Begin())
		}
	}
	begin(maxRequests)
	require.False(t, g.admit(at("192.0.2.1:1"), 100))
	require.True(t, g.admit(at("192.0.2.1:9"), 100))
	begin(maxRequests)
	require.False(t, g.admit(at("192.0.2.1:9"), 100))
	for _, end := range ends {
		end()
		end() // once counts
	}
	require.True(t, g.admit(at("192.0.2.1:1"), 100))
	require.Zero(t, g.open)
}

// The socket is read anew before the stack has seen too many senders, and no datagram is lost.
func TestSocketIsReadAnew(t *testing.T) {
	defer goleak.VerifyNone(t)
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	require.NoError(t, err)
	client, err := net.Dial("udp", server.LocalAddr().String())
	require.NoError(t, err)
	defer client.Close()
	g := New(nobody)
	got, rounds := make(chan string, 10), 0
	done := make(chan error)
	go func() {
		done <- g.Serve(server, func(c net.PacketConn) error {
			rounds++
			if rounds == 1 {
				for n := range maxSenders - 1 { // as if they had sent something
					c.(*packets).seen[netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)}), 1)] = struct{}{}
				}
			}
			b := make([]byte, 100)
			for {
				n, _, err := c.ReadFrom(b)
				if err != nil {
					require.ErrorIs(t, err, net.ErrClosed)
					return nil
				}
				got <- string(b[:n])
			}
		})
	}()
	for _, s := range []string{"one", "two", "three"} {
		_, err = client.Write([]byte(s))
		require.NoError(t, err)
	}
	for _, s := range []string{"one", "two", "three"} {
		require.Equal(t, s, <-got)
	}
	server.Close()
	require.ErrorIs(t, <-done, net.ErrClosed)
	require.Equal(t, 2, rounds)
}

func TestConnections(t *testing.T) {
	defer goleak.VerifyNone(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	g := New(nobody)
	limited := g.Listen(ln, time.Minute)
	var conns []net.Conn
	defer func() {
		for _, c := range conns {
			c.Close()
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", ln.Addr().String())
		require.NoError(t, err)
		conns = append(conns, c)
		return c
	}
	first := dial()
	accepted, err := limited.Accept()
	require.NoError(t, err)
	for range maxConnsPerAddress - 1 {
		dial()
		c, err := limited.Accept()
		require.NoError(t, err)
		conns = append(conns, c)
	}
	refused := dial()
	next := make(chan net.Conn)
	go func() {
		c, err := limited.Accept()
		if err == nil {
			next <- c
		}
		close(next)
	}()
	_, err = refused.Read(make([]byte, 1))
	require.Error(t, err)

	// Of a stranger only so much is read.
	go first.Write(make([]byte, 2*maxStrangerBytes))
	b := make([]byte, 4096)
	read := 0
	for err = nil; err == nil; {
		var n int
		n, err = accepted.Read(b)
		read += n
	}
	require.ErrorIs(t, err, errStranger)
	require.Equal(t, maxStrangerBytes, read)

	// A place that is free is given to another.
	accepted.Close()
	accepted.Close()
	dial()
	c, ok := <-next
	require.True(t, ok)
	c.Close()
}
