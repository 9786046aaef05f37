package crowd

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

func TestBatchCountsWhatItDrops(t *testing.T) {
	t.Parallel()
	p, err := openPair(net.IPv4(127, 0, 0, 1))
	require.NoError(t, err)
	defer p.close()
	require.Zero(t, p.port%2)
	c, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p.port})
	require.NoError(t, err)
	defer c.Close()
	const datagrams, size = 3*batchSize + 5, 1412
	for range datagrams {
		_, err := c.Write(make([]byte, size))
		require.NoError(t, err)
	}
	var b batch
	require.Equal(t, datagrams*size, b.drop(p.rtp))
	require.Zero(t, b.drop(p.rtp))
	require.Zero(t, b.drop(p.rtcp))
}

func TestKeepAlivesAreSpread(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for range 100 {
		var m member
		m.begin(now)
		require.False(t, m.speak.Before(now.Add(wire.KeepAliveEvery/2)))
		require.True(t, m.speak.Before(now.Add(wire.KeepAliveEvery)))
	}
}
