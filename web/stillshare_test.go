package web_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// A picture is in memory once, however many have asked for it and do not read.
func TestStillIsShared(t *testing.T) {
	const size, clients = 8 << 20, 50
	s := start(t, media.Config{}, web.Config{}, nil)
	pub, err := s.media.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "large"}})
	require.NoError(t, err)
	defer pub.Close(nil)
	require.NoError(t, pub.SetTracks(video))
	picture := make([]byte, size)
	binary.BigEndian.PutUint32(picture, size-4)
	picture[4] = 0x65 // an IDR slice
	require.NoError(t, pub.WritePacket(&media.Packet{Track: video, Key: true, Data: picture}))

	before := heap()
	for range clients {
		conn, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer conn.Close()
		require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(4096))
		_, err = io.WriteString(conn, "GET /live/large.snap.mp4 HTTP/1.1\r\nHost: x\r\n\r\n")
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
		_, err = io.ReadFull(conn, make([]byte, 1024)) // it is being sent
		require.NoError(t, err)
	}
	require.Less(t, heap(), before+clients*size/4)

	res, err := http.Get("http://" + s.addr + "/live/large.snap.mp4")
	require.NoError(t, err)
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	require.NoError(t, err)
	require.Greater(t, n, int64(size))
}
