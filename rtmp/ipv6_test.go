package rtmp_test

import (
	"net"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

// Publishing works by IPv6, and an address in the URL is no virtual host, however it is written.
func TestIPv6(t *testing.T) {
	for _, host := range []string{"[::1]", "[::1]:1935", "[fe80::1%25lo]", "[fe80::1%lo]:1935"} {
		t.Run(host, func(t *testing.T) {
			m, _ := start(t, media.Config{}, rtmp.Config{})
			s, err := rtmp.NewServer(m, rtmp.Config{EnableVHost: true})
			require.NoError(t, err)
			ln, err := net.Listen("tcp", "[::1]:0")
			if err != nil {
				t.Skip("this machine has no IPv6")
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve(ln) }()
			defer func() {
				require.NoError(t, s.Close())
				<-served
			}()
			c := dial(t, ln.Addr().String())
			c.connect("live", "rtmp://"+host+"/live")
			c.publish("test")
			c.sendStream(5)
			waitStream(t, m, key("test"))
			for x := range m.Sessions() {
				require.Equal(t, netip.IPv6Loopback(), x.Info().Remote.Addr())
				require.Equal(t, netip.IPv6Loopback(), x.Info().Local.Addr())
			}
		})
	}
}
