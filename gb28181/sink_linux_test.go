package gb28181

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/ports"
	"github.com/sluice-media/sluice/media"
)

// The runtime waits for nothing at a socket that is only sent from, as it would be told of each datagram that has left.
func TestSendersSocketIsPlain(t *testing.T) {
	s := newTestServer(t)
	for name, c := range map[string]struct {
		request SendRequest
		plain   bool
	}{
		"sends only": {SendRequest{}, true},
		"receives":   {SendRequest{Receive: media.StreamKey{App: "a", Name: "b"}}, false},
		"waits":      {SendRequest{Mode: Listen}, false},
	} {
		l, err := s.openUDP(&c.request)
		require.NoError(t, err)
		require.Equal(t, c.plain, l.pair.RTP.Conn() == nil, name)
		_, local := l.addresses()
		require.EqualValues(t, l.port(), local.Port(), name)
		l.close()
		again, err := ports.Listen("udp", netip.MustParseAddr("127.0.0.1"), int(local.Port()))
		require.NoError(t, err, name)
		again.Close()
	}
}
