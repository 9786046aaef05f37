package siege

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"

	"github.com/sluice-media/sluice/bench/internal/wire"
)

// Kind is what the peers of a siege do.
type Kind struct {
	Name    string
	N       int
	Big     bool // Besieged is a stream of large key frames
	address func(*Config) string
	control func(network, address string, c syscall.RawConn) error // of the socket before it connects
	hold    func(context.Context, *Config, net.Conn)               // until the server or the siege ends it
}

// Kinds returns the sieges there are.
func Kinds() []Kind {
	return []Kind{
		{Name: "connections that say nothing", N: 8000, address: atRTMP, hold: silent},
		{Name: "DESCRIBEs of what is not there", N: 1000, address: atRTSP, hold: describe},
		{Name: "POSTs without their body", N: 300, address: atHTTP, hold: post},
		{Name: "viewers that do not read, key frames of some 7 MB", N: 100, Big: true, address: atRTMP, control: narrow, hold: freeze},
		{Name: "players that wait for a stream", N: 5000, address: atRTMP, hold: wait},
	}
}

func atRTMP(c *Config) string { return c.RTMP }
func atRTSP(c *Config) string { return c.RTSP }
func atHTTP(c *Config) string { return c.HTTP }

// silent says nothing.
func silent(_ context.Context, _ *Config, conn net.Conn) { drain(conn) }

// describe asks for a stream that is not there, for which the server waits a while.
func describe(_ context.Context, c *Config, conn net.Conn) {
	fmt.Fprintf(conn, "DESCRIBE rtsp://%s%s RTSP/1.0\r\nCSeq: 1\r\nAccept: application/sdp\r\n\r\n", c.RTSP, c.Besieged)
	drain(conn)
}

// post announces a body that does not come.
func post(_ context.Context, c *Config, conn net.Conn) {
	fmt.Fprintf(conn, "POST /index/api/getServerConfig HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", c.HTTP)
	drain(conn)
}

// wait plays a stream that is not there.
func wait(_ context.Context, c *Config, conn net.Conn) {
	_, _ = wire.PlayRTMP(conn, &url.URL{Scheme: "rtmp", Host: c.RTMP, Path: c.Besieged})
}

// freeze plays a stream and reads nothing of it until the siege is over. That the server has hung up it cannot tell before.
func freeze(ctx context.Context, c *Config, conn net.Conn) {
	if _, err := wire.PlayRTMP(conn, &url.URL{Scheme: "rtmp", Host: c.RTMP, Path: c.Besieged}); err == nil {
		<-ctx.Done()
	}
}

func drain(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }
