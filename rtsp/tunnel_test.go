package rtsp_test

import (
	"encoding/base64"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// tunnelled is a connection by HTTP: it is read from a GET, and what is written goes by POST.
type tunnelled struct {
	net.Conn
	post net.Conn
}

func (c tunnelled) Write(b []byte) (int, error) {
	_, err := c.post.Write([]byte(base64.StdEncoding.EncodeToString(b)))
	return len(b), err
}

// newTunnelled is a viewer that comes by HTTP.
func newTunnelled(t *testing.T, addr string) *viewer {
	t.Helper()
	v := newViewer(t, addr, viaTCP)
	_, err := v.conn.Write([]byte("GET / HTTP/1.0\r\nx-sessioncookie: a\r\nAccept: application/x-rtsp-tunnelled\r\n\r\n"))
	require.NoError(t, err)
	v.answer(t, "GET")
	post := dial(t, addr)
	_, err = post.Write([]byte("POST / HTTP/1.0\r\nx-sessioncookie: a\r\nContent-Length: 32767\r\n\r\n"))
	require.NoError(t, err)
	v.conn = tunnelled{v.conn, post}
	return v
}

// A player by HTTP is heard also of what comes together with something else.
func TestTunnelledRequestsTogether(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, m)
	v := newTunnelled(t, addr)
	v.describe(t)
	v.setUp(t)
	v.play(t)
	for pad := range 64 { // however the first lies in what is read
		const ask = "GET_PARAMETER rtsp://h/live/test RTSP/1.0\r\nCSeq: %d\r\nX-Pad: %s\r\n\r\n"
		first, second := 10+2*pad, 11+2*pad
		_, err := fmt.Fprintf(v.conn, ask+ask, first, strings.Repeat("x", pad), second, "")
		require.NoError(t, err)
		require.Equal(t, fmt.Sprint(first), header(v.answer(t, "the first"), "CSeq"))
		require.Equal(t, fmt.Sprint(second), header(v.answer(t, "the second"), "CSeq"), "with %d more", pad)
	}
}

// A client that leaves before it has sent the other half is gone at once, not when its handshake is over.
func TestHalfATunnelLeaves(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{HandshakeTimeout: time.Hour})
	v := newViewer(t, addr, viaTCP)
	_, err := v.conn.Write([]byte("GET / HTTP/1.0\r\nx-sessioncookie: a\r\n\r\n"))
	require.NoError(t, err)
	v.answer(t, "GET")
	require.Len(t, slices.Collect(m.Sessions()), 1)
	require.NoError(t, v.conn.Close())
	require.Eventually(t, func() bool { return len(slices.Collect(m.Sessions())) == 0 }, 20*time.Second, time.Millisecond)
}
