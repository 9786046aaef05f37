package ports

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

var loopback = netip.MustParseAddr("127.0.0.1")

// What the ledger says is free the system has free, and the other way round.
func TestLease(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	span := [2]int{43901, 43940}
	foreign, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(loopback, 43911))) // RTCP's of a pair
	require.NoError(t, err)
	defer foreign.Close()
	taken := map[int]*Pair{}
	for {
		p, err := Lease(m, loopback, span)
		if err != nil {
			require.ErrorIs(t, err, media.ErrNoPorts)
			break
		}
		defer p.Close()
		require.Zero(t, p.Port%2)
		require.GreaterOrEqual(t, p.Port, span[0])
		require.Less(t, p.Port, span[1])
		require.Nil(t, taken[p.Port])
		taken[p.Port] = p
		_, err = Listen("udp", loopback, p.Port)
		require.ErrorIs(t, err, media.ErrPortTaken)
	}
	require.GreaterOrEqual(t, len(taken), 10)
	require.NotContains(t, taken, 43910)
	for port, p := range taken {
		p.Close()
		p.Close()
		again, err := Lease(m, loopback, span)
		require.NoError(t, err)
		require.Equal(t, port, again.Port)
		defer again.Close()
	}
}

// A pair that is leased at one address is not given at another.
func TestLeaseOfOtherAddress(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	span := [2]int{43950, 43951}
	p, err := Lease(m, loopback, span)
	require.NoError(t, err)
	_, err = Lease(m, netip.MustParseAddr("127.0.0.2"), span)
	require.ErrorIs(t, err, media.ErrNoPorts)
	p.Close()
	p, err = Lease(m, netip.MustParseAddr("127.0.0.2"), span)
	require.NoError(t, err)
	p.Close()
}

func TestFree(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	p, err := Free(m, "udp4", loopback)
	require.NoError(t, err)
	require.Zero(t, p.Port%2)
	_, err = Claim(m, p.Port)
	require.ErrorIs(t, err, media.ErrNoPorts)
	p.Close()
	release, err := Claim(m, p.Port)
	require.NoError(t, err)
	release()
}
