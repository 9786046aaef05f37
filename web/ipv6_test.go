package web_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// Playing works by IPv6, and an address for a host is no virtual host.
func TestIPv6(t *testing.T) {
	ln, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	s := start(t, media.Config{}, web.Config{EnableVHost: true}, func(h http.Handler, s *httptest.Server) http.Handler {
		s.Listener.Close()
		s.Listener = ln
		return h
	})
	pub := s.publish(t, "live", "test", 20)
	defer pub.Close(nil)
	for _, host := range []string{"[::1]", ln.Addr().String(), "[fe80::1%25lo]:80"} {
		t.Run(host, func(t *testing.T) {
			conn, err := net.Dial("tcp", ln.Addr().String())
			require.NoError(t, err)
			defer conn.Close()
			require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
			_, err = conn.Write([]byte("GET /live/test.live.flv HTTP/1.1\r\nHost: " + host + "\r\n\r\n"))
			require.NoError(t, err)
			res, err := http.ReadResponse(bufio.NewReader(conn), nil)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, res.StatusCode)
			seen := false
			for x := range s.media.Sessions() {
				if x.Player() != nil {
					seen = true
					require.Equal(t, netip.IPv6Loopback(), x.Info().Remote.Addr())
					require.Equal(t, netip.IPv6Loopback(), x.Info().Local.Addr())
				}
			}
			require.True(t, seen)
		})
	}
}
