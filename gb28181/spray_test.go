package gb28181_test

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// portForAll serves one, and returns its number.
func portForAll(t testing.TB, s *gb28181.Server) int {
	t.Helper()
	go func() { _ = s.ListenAndServe("127.0.0.1:0") }()
	require.Eventually(t, func() bool { return s.Addr().IsValid() }, patience, time.Millisecond)
	return int(s.Addr().Port())
}

// fromHost writes to a port from an address of its own.
func fromHost(t testing.TB, host string, port int) func([]byte) error {
	t.Helper()
	local := net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(host), 0))
	conn, err := net.DialUDP("udp4", local, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return func(b []byte) error {
		_, err := conn.Write(b)
		return err
	}
}

// Who makes up SSRCs does not keep others off the port for all: neither by garbage, of which nothing is kept, nor by the beginnings of
// streams that do not go on.
func TestMadeUpSSRCs(t *testing.T) {
	tests := map[string][]byte{"garbage": make([]byte, 100), "beginnings": append([]byte{0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8}, make([]byte, 50)...)}
	for name, payload := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, media.Config{}, gb28181.Config{MaxSenders: 20})
			port := portForAll(t, s)
			hostile := newDevice(t, fromHost(t, "127.0.0.2", port))
			for i := range 40 {
				hostile.ssrc = uint32(i + 1)
				require.NoError(t, hostile.write(hostile.packetize(payload, 0)[0]))
				time.Sleep(time.Millisecond)
			}
			for i := range uint32(2) {
				d := newDevice(t, toUDP(t, port))
				d.ssrc = 0xabc0 + i
				sends(t, d)
			}
			for i := range uint32(2) {
				_, film := film(t)
				key := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: fmt.Sprintf("%08X", 0xabc0+i)}
				requireRun(t, await(t, m, key), film, 50)
			}
			require.LessOrEqual(t, len(s.Receivers()), 12)
		})
	}
}

// Senders of one address whose frames have come take no place of its others.
func TestManyOfOneAddress(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{MaxSenders: 4})
	port := portForAll(t, s)
	for i := range uint32(4) {
		d := newDevice(t, toUDP(t, port))
		d.ssrc, d.pace = i+1, 8*time.Millisecond
		sends(t, d)
	}
	for i := range uint32(4) {
		await(t, m, media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: fmt.Sprintf("%08X", i+1)})
	}
}
