package rtsp_test

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// addresses6 are addresses of this machine by IPv6, as they stand in a URL: the loopback, and one that is nothing
// without its zone.
func addresses6(t *testing.T) map[string]netip.Addr {
	t.Helper()
	list := map[string]netip.Addr{}
	interfaces, err := net.Interfaces()
	require.NoError(t, err)
	for _, i := range interfaces {
		addrs, _ := i.Addrs()
		for _, a := range addrs {
			prefix, err := netip.ParsePrefix(a.String())
			switch {
			case err != nil || !prefix.Addr().Is6():
			case prefix.Addr().IsLoopback():
				list["loopback"] = prefix.Addr()
			case prefix.Addr().IsLinkLocalUnicast():
				list["zone"] = prefix.Addr().WithZone(i.Name)
			}
		}
	}
	if len(list) == 0 {
		t.Skip("this machine has no IPv6")
	}
	return list
}

// serve6 serves RTSP at an address, and returns the host as a URL has it.
func serve6(t *testing.T, m *media.Server, addr netip.Addr, cfg rtsp.Config) string {
	t.Helper()
	listened, err := netip.ParseAddrPort(beside(t, m, addr.String(), cfg))
	require.NoError(t, err)
	return (&url.URL{Host: netip.AddrPortFrom(addr, listened.Port()).String()}).String()[len("//"):]
}

// All transports work by IPv6, for who plays, publishes, pulls and pushes, also by addresses with a zone, and URLs have
// brackets everywhere.
func TestIPv6(t *testing.T) {
	for name, addr := range addresses6(t) {
		for kind, c := range map[string]struct {
			transport rtsp.Transport
			cfg       rtsp.Config
		}{
			"TCP":                   {rtsp.TCP, rtsp.Config{}},
			"UDP":                   {rtsp.UDP, rtsp.Config{Transport: rtsp.UDP, PortRange: [2]int{44700, 44760}}},
			"UDP, ports of its own": {rtsp.UDP, rtsp.Config{Transport: rtsp.UDP, SessionPorts: true, PortRange: [2]int{44700, 44760}, EnableVHost: true}},
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				m, _ := start(t, media.Config{}, rtsp.Config{})
				publishClip(t, m)
				host := serve6(t, m, addr, c.cfg)
				pulling, _ := relay(t, rtsp.Config{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 2)
				go func() {
					ended <- rtsp.Pull(ctx, pulling, "rtsp://"+host+"/live/test", testKey, rtsp.ClientConfig{Transport: c.transport})
				}()
				requireMedia(t, pulling, 5)
				pushed, _ := relay(t, rtsp.Config{})
				host = serve6(t, pushed, addr, c.cfg)
				go func() {
					ended <- rtsp.Push(ctx, m, testKey, "rtsp://"+host+"/live/test", rtsp.ClientConfig{Transport: c.transport})
				}()
				requireMedia(t, pushed, 5)
				for x := range pushed.Sessions() {
					require.Equal(t, addr, x.Info().Remote.Addr())
					require.Equal(t, addr, x.Info().Local.Addr())
				}
				cancel()
				for range 2 {
					require.ErrorIs(t, <-ended, context.Canceled)
				}
			})
		}
	}
}

// What names the stream in a reply is what the client has said, brackets and all.
func TestIPv6InReplies(t *testing.T) {
	m, _ := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, m)
	for name, host := range map[string]string{
		"loopback": "[::1]", "port": "[::1]:554", "zone": "[fe80::1%25lo]:554", "bare zone": "[fe80::1%lo]:554",
	} {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, beside(t, m, "127.0.0.1", rtsp.Config{EnableVHost: true}))
			u := "rtsp://" + host + "/live/test"
			res := request(t, conn, "DESCRIBE "+u+" RTSP/1.0\nCSeq: 1")
			require.Contains(t, status(res), " 200 ")
			require.Equal(t, u+"/", header(res, "Content-Base"))
			say(t, conn, "SETUP "+u+"/trackID=0 RTSP/1.0\nCSeq: 2\n"+viaTCP)
			res = request(t, conn, "PLAY "+u+"/ RTSP/1.0\nCSeq: 3")
			require.True(t, strings.HasPrefix(header(res, "RTP-Info"), "url="+u+"/trackID=0;"), header(res, "RTP-Info"))
		})
	}
}

// A zone means something on one machine only, and so stays out of what a client asks for (RFC 4007, 11.2).
func TestZoneStaysAtHome(t *testing.T) {
	asked := make(chan string, 1)
	cfg := rtsp.ClientConfig{DialTimeout: patience, Dial: func(_ context.Context, _, addr string) (net.Conn, error) {
		require.Equal(t, "[fe80::1%eth0]:554", addr)
		client, server := net.Pipe()
		go func() {
			b := make([]byte, 1024)
			n, _ := server.Read(b)
			asked <- string(b[:n])
			server.Close()
		}()
		return client, nil
	}}
	m, _ := start(t, media.Config{}, rtsp.Config{})
	require.Error(t, rtsp.Pull(t.Context(), m, "rtsp://[fe80::1%25eth0]/live/test", testKey, cfg))
	require.True(t, strings.HasPrefix(<-asked, "OPTIONS rtsp://[fe80::1]:554/live/test RTSP/1.0\r\n"))
}
