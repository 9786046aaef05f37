package httphook_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ip of an event is an IP and no more: without brackets and zone.
func TestAddresses(t *testing.T) {
	b := newBackend(t, nil)
	h := newHook(t, b.URL, nil)
	for remote, ip := range map[string]string{
		"192.0.2.7:5000": "192.0.2.7", "[2001:db8::7]:5000": "2001:db8::7", "[::1]:5000": "::1", "[fe80::7%eth0]:5000": "fe80::7",
	} {
		ev := play()
		ev.Session.Remote = netip.MustParseAddrPort(remote)
		require.NoError(t, h.OnPlay(t.Context(), ev))
		got := b.last(t)
		require.Equal(t, ip, got.body["ip"])
		require.EqualValues(t, 5000, got.body["port"])
	}
}
