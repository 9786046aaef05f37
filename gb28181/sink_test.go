package gb28181

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

func newTestServer(t *testing.T) *Server {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, m.Close()) })
	s, err := NewServer(m, Config{PortRange: [2]int{47000, 47200}, LocalIP: netip.MustParseAddr("127.0.0.1")})
	require.NoError(t, err)
	return s
}

// A sink of its own sends without an allocation, and a batch of many has no more memory than what one of them sends.
func TestSinkMemory(t *testing.T) {
	s := newTestServer(t)
	l, err := s.openUDP(&SendRequest{})
	require.NoError(t, err)
	defer l.close()
	peer, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer peer.Close()
	sink := newUDPSink(l, peer.LocalAddr().(*net.UDPAddr).AddrPort(), label{payloadType: 96, ssrc: 7})
	p := newPacker(1400)
	chunks := [][]byte{p.append(nil, make([]byte, 5000), 0)}
	require.NoError(t, sink.sendNow(chunks))
	require.Zero(t, testing.AllocsPerRun(50, func() { _ = sink.sendNow(chunks) }))
	require.LessOrEqual(t, cap(sink.own.arena), 2*len(chunks[0]))
	var b [1500]byte
	n, err := peer.Read(b[:])
	require.NoError(t, err)
	require.Equal(t, 1412, n)
	require.Equal(t, []byte{0, 0, 0, 7}, b[8:12])
}
