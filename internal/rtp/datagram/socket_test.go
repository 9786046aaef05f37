package datagram

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDestination(t *testing.T) {
	conn, err := net.ListenUDP("udp4", nil)
	require.NoError(t, err)
	s := NewSocket(conn)
	defer s.Close()
	to := netip.MustParseAddrPort("192.0.2.7:5004")
	d := NewDestination(s, to)
	require.Equal(t, to, d.To())
	require.Nil(t, (&Destination{}).OrNowhere())
}
