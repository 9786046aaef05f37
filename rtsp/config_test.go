package rtsp_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

func TestConfigNamesAllThatIsWrong(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	_, err = rtsp.NewServer(m, rtsp.Config{
		IdleTimeout: -time.Second, UDPPort: 7, MaxPayload: 9, CatchUp: 0.5, PortRange: [2]int{5, 4},
		MulticastRange: [2]netip.Addr{netip.IPv6Unspecified(), netip.IPv6Unspecified()},
	})
	for _, field := range []string{"IdleTimeout", "UDPPort", "MaxPayload", "CatchUp", "PortRange", "MulticastRange"} {
		require.ErrorContains(t, err, "Config."+field)
	}
	require.NotContains(t, err.Error(), "WriteTimeout")
}
