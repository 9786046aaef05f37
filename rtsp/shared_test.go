package rtsp

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// What comes to the shared ports is the player's that has said it would send from there.
func TestPeers(t *testing.T) {
	at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port) }
	var p sharedPorts
	usual, odd, apart := &playback{}, &playback{}, &playback{}
	p.add(at(5000), at(5001), usual)
	p.add(at(6001), at(6002), odd)
	p.add(at(7000), at(8000), apart)
	for port, want := range map[uint16]*playback{
		5000: usual, 5001: usual, 5002: nil, 4999: nil, 6000: nil, 6001: odd, 6002: odd, 7000: apart, 8000: apart,
	} {
		require.Same(t, want, p.find(at(port)), "port %d", port)
	}
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 5001)
	require.Same(t, usual, p.find(mapped))
	require.Nil(t, p.find(netip.AddrPortFrom(netip.MustParseAddr("192.0.2.2"), 5000)))
	p.remove(at(5000), odd)
	require.Same(t, usual, p.find(at(5001)), "removed by another")
	for _, port := range []uint16{5000, 5001} {
		p.remove(at(port), usual)
	}
	for _, port := range []uint16{6001, 6002} {
		p.remove(at(port), odd)
	}
	for _, port := range []uint16{7000, 8000} {
		p.remove(at(port), apart)
	}
	require.Empty(t, p.peers)
}
