package rtmp_test

import (
	"net"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

// refused reports whether a new connection is closed before it has said anything.
func refused(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err = conn.Read(make([]byte, 1))
	ne, ok := err.(net.Error) //nolint:errorlint // it is not wrapped
	return !ok || !ne.Timeout()
}

// All servers of a media server share its limits, and a place is free again when a session has ended.
func TestLimitOfConnections(t *testing.T) {
	var log testlog.Buffer
	m, addr := start(t, media.Config{MaxConnections: 2, Logger: log.Logger()}, rtmp.Config{})
	second, err := rtmp.NewServer(m, rtmp.Config{})
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- second.ListenAndServe("127.0.0.1:0") }()
	require.Eventually(t, func() bool { return second.Addr() != nil }, patience, time.Millisecond)
	require.Contains(t, log.String(), "addr="+second.Addr().String(), "the log says where")

	pub := dial(t, addr)
	pub.connect("live", "rtmp://h/live")
	pub.publish("test")
	pub.sendStream(3)
	waitStream(t, m, key("test"))
	c := dial(t, second.Addr().String())
	c.connect("live", "rtmp://h/live")
	c.command("play", 4.0, nil, "test")
	require.Equal(t, "NetStream.Play.Reset", c.status())
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	require.NotContains(t, string(stacks), "writeBlocking", "who is counted is fed like any other")
	require.True(t, refused(t, addr))
	require.True(t, refused(t, second.Addr().String()))
	require.Contains(t, log.String(), "connections refused")
	require.Equal(t, 2, m.Connections())

	c.conn.Close()
	require.Eventually(t, func() bool { return m.Connections() == 1 }, patience, time.Millisecond)
	dial(t, addr).connect("live", "rtmp://h/live")

	require.NoError(t, m.Reconfigure(media.Config{MaxConnectionsPerAddress: 1}))
	require.True(t, refused(t, addr))
	require.NoError(t, second.Close())
	require.ErrorIs(t, <-served, rtmp.ErrServerClosed)
	require.Nil(t, second.Addr())
}

// Each field that is wrong is named.
func TestNegativeTimeouts(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	_, err = rtmp.NewServer(m, rtmp.Config{HandshakeTimeout: -1, IdleTimeout: time.Second, WriteTimeout: -time.Second})
	require.EqualError(t, err, "rtmp: Config.HandshakeTimeout of -1ns is negative\nrtmp: Config.WriteTimeout of -1s is negative")
}
