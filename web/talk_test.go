package web

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/gobwas/ws"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// talker is a connection whose client has much to say. It counts how often it is read.
type talker struct {
	net.Conn
	said  *bytes.Reader
	reads int
}

func (c *talker) Read(b []byte) (int, error) {
	c.reads++
	return c.said.Read(b)
}

func talk(t *testing.T, said []byte) (*session, *talker) {
	t.Helper()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	conn := &talker{said: bytes.NewReader(said)}
	return &session{conn: conn, entry: m.NewSession(hook.Session{Protocol: "http"}, nil)}, conn
}

// Who says much costs few system calls, each byte is counted once, and nothing is kept of it.
func TestTalkIsTakenInLargePieces(t *testing.T) {
	said := bytes.Repeat(emptyFrame(), 10_000)
	calls := len(said)/readAhead + 2

	x, conn := talk(t, said)
	for x.ignore() == nil {
	}
	require.LessOrEqual(t, conn.reads, calls)

	x, conn = talk(t, said)
	s := &socket{session: x}
	frames, err := 0, error(nil)
	for ; err == nil; frames++ {
		err = s.readFrame()
	}
	require.Equal(t, io.EOF, err)
	require.Equal(t, 10_000, frames-1)
	require.LessOrEqual(t, conn.reads, calls)
	received, _ := x.entry.Bytes()
	require.EqualValues(t, len(said), received)
	require.Nil(t, x.ahead)
}

// emptyFrame is one of a client, 6 bytes long.
func emptyFrame() []byte {
	var b bytes.Buffer
	_ = ws.WriteFrame(&b, ws.MaskFrame(ws.NewBinaryFrame(nil)))
	return b.Bytes()
}
