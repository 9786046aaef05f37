package rtsp_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// beside serves RTSP on another address of a media server, until that ends.
func beside(t *testing.T, m *media.Server, ip string, cfg rtsp.Config) string {
	t.Helper()
	s, err := rtsp.NewServer(m, cfg)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, s.Close())
		require.ErrorIs(t, <-served, rtsp.ErrServerClosed)
	})
	return ln.Addr().String()
}

// Two servers of one media server never give the same ports, also not at two addresses, and a range that is used up is
// told at once.
func TestPortsOfTwoServers(t *testing.T) {
	cfg := rtsp.Config{PortRange: [2]int{24600, 24637}} // below those that the system gives to whoever asks: all of them are counted
	m, first := start(t, media.Config{}, cfg)
	addrs := []string{first, beside(t, m, "127.0.0.2", cfg)}
	given := map[string]net.Conn{}
	setup := func(i int) (net.Conn, string) {
		url := fmt.Sprintf("rtsp://h/live/%d", i)
		conn := dial(t, addrs[i%2])
		say(t, conn, announce(url))
		return conn, request(t, conn, "SETUP "+url+"/streamid=0 RTSP/1.0\nCSeq: 2\n"+fmt.Sprintf(viaUDP, 5000, 5001)+inRecord)
	}
	for i := range 19 {
		conn, res := setup(i)
		require.Contains(t, status(res), " 200 ", "pair %d of 19", i)
		say(t, conn, fmt.Sprintf("RECORD rtsp://h/live/%d RTSP/1.0\nCSeq: 3", i)) // who begins gives way to nobody
		_, pair, _ := strings.Cut(header(res, "Transport"), "server_port=")
		pair, _, _ = strings.Cut(pair, ";")
		require.NotContains(t, given, pair, "given twice")
		given[pair] = conn
	}
	_, res := setup(19)
	require.Contains(t, status(res), " 461 ")
	for pair, conn := range given {
		conn.Close()
		require.Eventually(t, func() bool {
			_, res := setup(20)
			return strings.Contains(header(res, "Transport"), "server_port="+pair)
		}, patience, 10*time.Millisecond)
		break
	}
}

// The port of the players of one server is not another's either.
func TestUDPPortOfTwoServers(t *testing.T) {
	cfg := rtsp.Config{UDPPort: 44650, PortRange: [2]int{44640, 44677}}
	m, first := start(t, media.Config{}, cfg)
	publishClip(t, m)
	second := beside(t, m, "127.0.0.2", cfg)
	setup := "SETUP rtsp://h/live/test/trackID=0 RTSP/1.0\nCSeq: 1\n" + fmt.Sprintf(viaUDP, 45010, 45011)
	conn := dial(t, first)
	res := request(t, conn, setup)
	require.Contains(t, header(res, "Transport"), "server_port=44650-44651")
	require.NotContains(t, status(request(t, dial(t, second), setup)), " 200 ")
	_, err := m.LeasePorts([2]int{44650, 44651}, func(int) error { return nil })
	require.ErrorIs(t, err, media.ErrNoPorts)
}
