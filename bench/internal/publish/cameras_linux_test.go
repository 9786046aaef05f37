package publish

import (
	"context"
	"encoding/binary"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

// Each port gets a stream of its own, in real time.
func TestCameras(t *testing.T) {
	defer goleak.VerifyNone(t)
	u, err := url.Parse("rtp://127.0.0.1")
	require.NoError(t, err)
	cfg := Config{Proto: "rtp", URL: u, N: 3, Clip: film(400 * time.Millisecond)}
	var sockets []*net.UDPConn
	for range cfg.N {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		require.NoError(t, err)
		defer c.Close()
		require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Second)))
		sockets = append(sockets, c)
		cfg.Ports = append(cfg.Ports, c.LocalAddr().(*net.UDPAddr).Port)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done, ready := make(chan error, 1), make(chan struct{})
	go func() { done <- Run(ctx, cfg, func() { close(ready) }) }()
	<-ready
	for i, c := range sockets {
		var b [2000]byte
		for n := range uint16(60) {
			size, err := c.Read(b[:])
			require.NoError(t, err)
			require.Greater(t, size, rtpHead)
			require.Equal(t, n, binary.BigEndian.Uint16(b[2:]), "stream %d", i)
			require.EqualValues(t, sourceBase+i, binary.BigEndian.Uint32(b[8:]))
		}
	}
	cancel()
	require.NoError(t, <-done)
}

func TestCamerasRefuse(t *testing.T) {
	t.Parallel()
	u, err := url.Parse("rtp://somewhere")
	require.NoError(t, err)
	for name, cfg := range map[string]Config{
		"fewer ports":   {Proto: "rtp", URL: u, N: 2, Ports: []int{1}, Clip: film(time.Second)},
		"no address":    {Proto: "rtp", URL: u, N: 1, Ports: []int{1}, Clip: film(time.Second)},
		"no parameters": {Proto: "rtp", URL: u, N: 1, Ports: []int{1}},
	} {
		require.Error(t, Run(t.Context(), cfg, func() { t.Error("ready") }), name)
	}
}
