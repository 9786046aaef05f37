package api_test

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
)

// Addresses are listed and filtered by as IPs: without port, brackets and zone, IPv4 as such.
func TestAddresses(t *testing.T) {
	for remote, ip := range map[string]string{
		"192.0.2.7:5000":     "192.0.2.7",
		"[2001:db8::7]:5000": "2001:db8::7",
		"[::1]:5000":         "::1",
		"[fe80::7%eth0]:500": "fe80::7",
	} {
		t.Run(remote, func(t *testing.T) {
			h, m := newAPI(t, api.Options{})
			at := netip.MustParseAddrPort(remote)
			x := m.NewSession(hook.Session{Schema: "rtsp", Protocol: "rtsp", Remote: at, Local: at}, func(error) {})
			defer x.Close()
			list, _ := get(t, h, "getAllSession?peer_ip="+ip)["data"].([]any)
			require.Len(t, list, 1)
			first, _ := list[0].(object)
			require.Equal(t, ip, first["peer_ip"])
			require.Equal(t, ip, first["local_ip"])
			require.EqualValues(t, 1, get(t, h, "kick_sessions?peer_ip="+ip)["count_hit"])
		})
	}
}
