package rtsp

import (
	"encoding/binary"
	"net/netip"
	"runtime"
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
	require.Zero(t, p.peers.Len())
}

// What a crowd of UDP players took is free again when most of them have left.
func TestPeersShrink(t *testing.T) {
	const crowd = 50_000
	var p sharedPorts
	to := &playback{}
	at := func(i, port int) netip.AddrPort {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i)))), uint16(port))
	}
	before := inUse()
	for i := range crowd {
		require.True(t, p.add(at(i, 5000), at(i, 5001), to))
	}
	full := inUse() - before
	require.Greater(t, full, int64(crowd*20), "it is measured")
	for i := range crowd - 1 {
		p.remove(at(i, 5000), to)
	}
	require.Less(t, inUse()-before, full/10)
	require.Same(t, to, p.find(at(crowd-1, 5001)))
}

func inUse() int64 {
	runtime.GC()
	runtime.GC() // what pools hold goes with the second
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}
