package web_test

import (
	"net"
	"testing"
	"time"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// A viewer by WebSocket that is behind when it says goodbye gets the frame under way whole, and the answer.
func TestCloseOfSlowViewer(t *testing.T) {
	s := start(t, media.Config{}, web.Config{}, nil)
	pub := s.publish(t, "live", "slow", 0)
	defer pub.Close(nil)
	viewer := s.dial(t, "/live/slow.live.flv")
	require.NoError(t, viewer.conn.(*net.TCPConn).SetReadBuffer(32<<10))
	for i := range 200 { // 24 MB, more than the sockets hold
		at := time.Duration(i) * 5 * time.Millisecond
		require.NoError(t, pub.WritePacket(&media.Packet{Track: video, DTS: at, PTS: at, Key: i == 0, Data: make([]byte, 120_000)}))
		time.Sleep(time.Millisecond)
	}
	viewer.send(ws.NewCloseFrame(ws.NewCloseFrameBody(ws.StatusNormalClosure, "")))
	time.Sleep(100 * time.Millisecond) // it is to find the socket full
	require.NoError(t, viewer.conn.SetReadDeadline(time.Now().Add(patience)))
	require.Equal(t, int(ws.StatusNormalClosure), viewer.closed())
}
