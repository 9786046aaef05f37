package ports

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// Pairs are even, within their range and each one's own until it is closed.
func TestLedger(t *testing.T) {
	var l Ledger
	ip, span := net.IPv4(127, 0, 0, 1), [2]int{43901, 43940}
	taken := map[int]*Pair{}
	for {
		p, err := l.Lease(ip, span)
		if err != nil {
			require.ErrorIs(t, err, ErrNone)
			break
		}
		defer p.Close()
		require.Zero(t, p.Port%2)
		require.GreaterOrEqual(t, p.Port, span[0])
		require.Less(t, p.Port, span[1])
		require.Nil(t, taken[p.Port])
		taken[p.Port] = p
	}
	require.NotEmpty(t, taken)
	for port, p := range taken {
		p.Close()
		again, err := l.Lease(ip, span)
		require.NoError(t, err)
		require.Equal(t, port, again.Port)
		again.Close()
		break
	}
}

func TestFree(t *testing.T) {
	p, err := Free("udp4", net.IPv4(127, 0, 0, 1))
	require.NoError(t, err)
	defer p.Close()
	require.Zero(t, p.Port%2)
}
