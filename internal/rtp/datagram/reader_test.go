package datagram

import (
	"bytes"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// All that has come is read, in order, whole up to its limit, with where it comes from; a closed socket and a deadline end the wait.
func TestReader(t *testing.T) {
	for _, network := range []string{"udp4", "udp"} {
		conn, err := net.ListenUDP(network, nil)
		require.NoError(t, err)
		defer conn.Close()
		from, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: conn.LocalAddr().(*net.UDPAddr).Port})
		require.NoError(t, err)
		defer from.Close()
		var buffers Buffers
		r, err := NewReader(conn, &buffers)
		require.NoError(t, err)
		const count = 50
		for i := range count {
			_, err := from.Write(bytes.Repeat([]byte{byte(i)}, i*20))
			require.NoError(t, err)
		}
		_, err = from.Write(make([]byte, maxDatagram+5000))
		require.NoError(t, err)
		want := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(from.LocalAddr().(*net.UDPAddr).Port))
		for got := 0; got <= count; {
			require.NoError(t, r.Read(func(b []byte, from netip.AddrPort) {
				require.Equal(t, want, from)
				if got < count {
					require.Equal(t, bytes.Repeat([]byte{byte(got)}, got*20), append([]byte{}, b...))
				} else {
					require.Len(t, b, maxDatagram)
				}
				got++
			}))
		}
		nothing := func([]byte, netip.AddrPort) { t.Error("a datagram that nobody has sent") }
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Millisecond)))
		require.ErrorIs(t, r.Read(nothing), os.ErrDeadlineExceeded)
		require.NoError(t, conn.SetReadDeadline(time.Time{}))
		time.AfterFunc(10*time.Millisecond, func() { conn.Close() })
		require.ErrorIs(t, r.Read(nothing), net.ErrClosed)
	}
}
