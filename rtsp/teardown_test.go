package rtsp_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/textproto"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// A player by TCP that is behind when it says TEARDOWN gets the frame under way whole, and its answer.
func TestTeardownOfSlowPlayer(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "slow"}, Schema: "test"})
	require.NoError(t, err)
	defer pub.Close(nil)
	sound := &media.Track{Codec: media.L16, ClockRate: 48000, SampleRate: 48000, Channels: 2}
	require.NoError(t, pub.SetTracks(sound))
	conn := dial(t, addr)
	require.NoError(t, conn.(*net.TCPConn).SetReadBuffer(32<<10))
	url := "rtsp://" + addr + "/live/slow"
	setup := request(t, conn, "SETUP "+url+"/trackID=0 RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1")
	require.Contains(t, status(setup), "200")
	session := "Session: " + header(setup, "Session") + "\r\n"
	_, err = io.WriteString(conn, "PLAY "+url+" RTSP/1.0\r\nCSeq: 2\r\n"+session+"\r\n")
	require.NoError(t, err)
	for i := range 200 { // 24 MB, more than the sockets hold
		at := time.Duration(i) * 5 * time.Millisecond
		require.NoError(t, pub.WritePacket(&media.Packet{Track: sound, DTS: at, PTS: at, Data: make([]byte, 120_000)}))
		time.Sleep(time.Millisecond)
	}
	_, err = io.WriteString(conn, "TEARDOWN "+url+" RTSP/1.0\r\nCSeq: 3\r\n"+session+"\r\n")
	require.NoError(t, err)
	time.Sleep(100 * time.Millisecond) // it is to find the socket full
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
	r := bufio.NewReader(conn)
	for frames := 0; ; {
		first, err := r.Peek(4)
		require.NoError(t, err, "after %d frames", frames)
		if first[0] == '$' {
			_, err := r.Discard(4 + int(binary.BigEndian.Uint16(first[2:])))
			require.NoError(t, err, "within frame %d", frames)
			frames++
			continue
		}
		text := textproto.NewReader(r)
		line, err := text.ReadLine()
		require.NoError(t, err)
		require.Equal(t, "RTSP/1.0 200 OK", line)
		head, err := text.ReadMIMEHeader()
		require.NoError(t, err)
		if head.Get("Cseq") == "3" {
			require.NotZero(t, frames)
			return
		}
	}
}
